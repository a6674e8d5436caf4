#pragma once

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdatomic.h>

#include "CGRPCBridge.h"

struct cgb_queue {
    grpc_completion_queue *queue;
};
struct cgb_server {
    grpc_server *server;
    grpc_server_credentials *credentials;
};
struct cgb_channel {
    grpc_channel *channel;
};
struct cgb_call {
    atomic_int references;
    uint64_t id;
    grpc_call *call;
    grpc_completion_queue *queue;
    // Receive side
    grpc_call_details details;
    grpc_metadata_array headers;
    grpc_metadata_array received_trailers;
    grpc_byte_buffer *message;
    int cancelled;
    grpc_status_code status;
    grpc_slice status_text;
    // Send side
    bool headers_sent;
    grpc_metadata *trailers;
    size_t trailer_count;
    size_t trailer_capacity;
};

// What a batch keeps alive until its event: the tag of the completion queue.
typedef struct {
    cgb_call *call;  // NULL for DRAINED
    uint64_t id;
    int32_t kind;
    grpc_byte_buffer *sent;
} cgb_operation;

cgb_operation *cgb_operation_create(cgb_call *call, int32_t kind);
void cgb_operation_destroy(cgb_operation *operation);
cgb_call *cgb_call_create(grpc_completion_queue *queue, uint64_t id);
// Starts the batch or undoes the operation.
bool cgb_call_start(cgb_operation *operation, const grpc_op *ops, size_t count);
grpc_byte_buffer *cgb_buffer(const uint8_t *bytes, size_t length);
