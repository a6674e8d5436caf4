#pragma once
#include <sys/file.h>
#include <zstd.h>
