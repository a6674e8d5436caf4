// The generated messages of both dialects, the host's service, the status details and reflection.
#pragma once
#include "autumn.pb-c.h"
#include "descriptor.pb-c.h"
#include "host.pb-c.h"
#include "june.pb-c.h"
#include "reflection.pb-c.h"
#include "status.pb-c.h"

// An encoded google.protobuf.FileDescriptorSet.
typedef struct {
    const uint8_t *bytes;
    size_t size;
} csm_file_set;

// Each dialect under the package that it has on the wire, and what is served beside it.
extern const csm_file_set csm_served_june;
extern const csm_file_set csm_served_autumn;
extern const csm_file_set csm_served_common;
