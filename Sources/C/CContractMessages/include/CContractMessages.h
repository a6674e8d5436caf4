// The generated messages of both dialects, the host's service and the status details.
#pragma once
#include "autumn.pb-c.h"
#include "host.pb-c.h"
#include "june.pb-c.h"
#include "status.pb-c.h"
