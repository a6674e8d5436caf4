#include <grpc/support/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

// Out of memory ends the process, as it does in the core itself and in Swift: gpr_zalloc aborts.

static cgb_operation *operation_create(cgb_call *call, uint64_t id, int32_t kind) {
    cgb_operation *operation = gpr_zalloc(sizeof *operation);
    operation->call = call;
    operation->id = id;
    operation->kind = kind;
    if (call != NULL) atomic_fetch_add_explicit(&call->references, 1, memory_order_relaxed);
    return operation;
}

cgb_operation *cgb_operation_create(cgb_call *call, int32_t kind) { return operation_create(call, call->id, kind); }

void cgb_operation_destroy(cgb_operation *operation) {
    if (operation->sent != NULL) grpc_byte_buffer_destroy(operation->sent);
    if (operation->call != NULL) cgb_call_release(operation->call);
    gpr_free(operation);
}

// MARK: Queues

// The core tells of every malformed call on stderr, in a form of its own: whoever sends them would fill the host's
// log. What it says before it aborts is kept.
static void keep_assertions(gpr_log_func_args *args) {
    if (strstr(args->message, "ssertion") == NULL && strstr(args->message, "ASSERT") == NULL) return;
    fprintf(stderr, "%s:%d: %s\n", args->file, args->line, args->message);
}

void cgb_prepare(void) {
    gpr_set_log_function(keep_assertions);
    // Counted by the core; never given back, because the core's clean-up runs on threads of its own.
    grpc_init();
}

cgb_queue *cgb_queue_create(void) {
    cgb_prepare();
    cgb_queue *queue = gpr_zalloc(sizeof *queue);
    queue->queue = grpc_completion_queue_create_for_next(NULL);
    return queue;
}

static gpr_timespec after(int64_t timeout_ns) {
    if (timeout_ns < 0) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(timeout_ns, GPR_TIMESPAN));
}

cgb_event cgb_queue_next(cgb_queue *queue, int64_t timeout_ns) {
    gpr_timespec until = after(timeout_ns);
    for (;;) {
        grpc_event event = grpc_completion_queue_next(queue->queue, until, NULL);
        if (event.type == GRPC_QUEUE_TIMEOUT) return (cgb_event){.kind = CGB_EVENT_TIMEOUT};
        if (event.type == GRPC_QUEUE_SHUTDOWN) return (cgb_event){.kind = CGB_EVENT_END};
        if (event.type != GRPC_OP_COMPLETE) continue;
        cgb_operation *operation = event.tag;
        cgb_event result = {.kind = operation->kind, .ok = event.success != 0, .id = operation->id};
        // The owner's own reference keeps what came readable after this.
        cgb_operation_destroy(operation);
        return result;
    }
}

void cgb_queue_shutdown(cgb_queue *queue) { grpc_completion_queue_shutdown(queue->queue); }

void cgb_queue_destroy(cgb_queue *queue) {
    grpc_completion_queue_destroy(queue->queue);
    gpr_free(queue);
}

// MARK: Server

static grpc_arg integer(const char *key, int value) {
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

cgb_server *cgb_server_create(cgb_queue *queue, cgb_limits limits) {
    grpc_resource_quota *quota = grpc_resource_quota_create("server");
    grpc_resource_quota_resize(quota, limits.max_memory_bytes);
    grpc_arg list[] = {
        // Too large is said by us, with our trailers: the core looks at a message's length only when it has the
        // whole of it, so its limit saves no memory. The quota does.
        integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1),
        integer(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1),
        {.type = GRPC_ARG_POINTER,
         .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
         .value.pointer = {.p = quota, .vtable = grpc_resource_quota_arg_vtable()}},
        // So is a deadline that passed.
        integer(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0),
        integer(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.max_concurrent_streams),
        integer(GRPC_ARG_MAX_METADATA_SIZE, limits.max_metadata_bytes),
        integer(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000),
        integer(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2),
        // A peer that vanished without a FIN must not hold a connection's place for ever.
        integer(GRPC_ARG_KEEPALIVE_TIME_MS, 300000),
        integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000),
        integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        // Identity only: a small compressed message could unpack to any size past the message limit.
        integer(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
        integer(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        integer(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0),
        integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
        integer(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0),
    };
    grpc_channel_args args = {.num_args = sizeof list / sizeof *list, .args = list};
    cgb_server *server = gpr_zalloc(sizeof *server);
    server->server = grpc_server_create(&args, NULL);
    grpc_resource_quota_unref(quota);
    server->credentials = grpc_insecure_server_credentials_create();
    grpc_server_register_completion_queue(server->server, queue->queue, NULL);
    return server;
}

void cgb_server_start(cgb_server *server) { grpc_server_start(server->server); }

void cgb_server_adopt(cgb_server *server, int fd) {
    grpc_server_add_channel_from_fd(server->server, fd, server->credentials);
}

void cgb_server_shutdown(cgb_server *server, cgb_queue *queue, uint64_t id) {
    grpc_server_shutdown_and_notify(server->server, queue->queue, operation_create(NULL, id, CGB_EVENT_DRAINED));
}

void cgb_server_cancel_all(cgb_server *server) { grpc_server_cancel_all_calls(server->server); }

void cgb_server_destroy(cgb_server *server) {
    grpc_server_destroy(server->server);
    grpc_server_credentials_release(server->credentials);
    gpr_free(server);
}

cgb_call *cgb_server_request(cgb_server *server, cgb_queue *queue, uint64_t id) {
    cgb_call *call = cgb_call_create(queue->queue, id);
    cgb_operation *operation = cgb_operation_create(call, CGB_EVENT_ARRIVED);
    grpc_call_error error = grpc_server_request_call(server->server, &call->call, &call->details, &call->headers,
                                                     queue->queue, queue->queue, operation);
    if (error == GRPC_CALL_OK) return call;
    cgb_operation_destroy(operation);
    cgb_call_release(call);
    return NULL;
}

// MARK: Client

cgb_channel *cgb_channel_create(const char *target, int32_t max_message_bytes) {
    grpc_arg list[] = {
        integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, max_message_bytes),
        integer(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, max_message_bytes),
        integer(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        integer(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        integer(GRPC_ARG_ENABLE_RETRIES, 0),
        integer(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        integer(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
        // Named for a pause, it is how long one attempt to connect may take: a busy machine needs more than a moment.
        integer(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000),
        integer(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000),
        integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
        {.type = GRPC_ARG_STRING, .key = (char *)GRPC_ARG_DEFAULT_AUTHORITY, .value.string = (char *)"localhost"},
    };
    grpc_channel_args args = {.num_args = sizeof list / sizeof *list, .args = list};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    cgb_channel *channel = gpr_zalloc(sizeof *channel);
    channel->channel = grpc_channel_create(target, credentials, &args);
    grpc_channel_credentials_release(credentials);
    return channel;
}

void cgb_channel_destroy(cgb_channel *channel) {
    grpc_channel_destroy(channel->channel);
    gpr_free(channel);
}

cgb_call *cgb_channel_call(cgb_channel *channel, cgb_queue *queue, uint64_t id, const uint8_t *method,
                           size_t method_length, int64_t timeout_ns) {
    grpc_slice path = grpc_slice_from_copied_buffer((const char *)method, method_length);
    cgb_call *call = cgb_call_create(queue->queue, id);
    call->call = grpc_channel_create_call(channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue->queue, path, NULL,
                                          after(timeout_ns), NULL);
    grpc_slice_unref(path);
    if (call->call != NULL) return call;
    cgb_call_release(call);
    return NULL;
}
