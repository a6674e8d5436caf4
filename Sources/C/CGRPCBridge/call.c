#include <stdlib.h>
#include <string.h>

#include "internal.h"

cgb_call *cgb_call_create(grpc_completion_queue *queue, uint64_t id) {
    cgb_call *call = gpr_zalloc(sizeof *call);
    atomic_init(&call->references, 1);
    call->id = id;
    call->queue = queue;
    call->status_text = grpc_empty_slice();
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_init(&call->received_trailers);
    return call;
}

void cgb_call_release(cgb_call *call) {
    if (atomic_fetch_sub_explicit(&call->references, 1, memory_order_acq_rel) != 1) return;
    if (call->message != NULL) grpc_byte_buffer_destroy(call->message);
    grpc_slice_unref(call->status_text);
    for (size_t index = 0; index < call->trailer_count; index++) {
        grpc_slice_unref(call->trailers[index].key);
        grpc_slice_unref(call->trailers[index].value);
    }
    gpr_free(call->trailers);
    // The elements of both arrays belong to the core's call: arrays first, call last.
    grpc_metadata_array_destroy(&call->headers);
    grpc_metadata_array_destroy(&call->received_trailers);
    grpc_call_details_destroy(&call->details);
    if (call->call != NULL) grpc_call_unref(call->call);
    gpr_free(call);
}

void cgb_call_cancel(cgb_call *call) {
    if (call->call != NULL) grpc_call_cancel(call->call, NULL);
}

grpc_byte_buffer *cgb_buffer(const uint8_t *bytes, size_t length) {
    grpc_slice slice = length == 0 ? grpc_empty_slice() : grpc_slice_from_copied_buffer((const char *)bytes, length);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

bool cgb_call_start(cgb_operation *operation, const grpc_op *ops, size_t count) {
    if (grpc_call_start_batch(operation->call->call, ops, count, operation, NULL) == GRPC_CALL_OK) return true;
    cgb_operation_destroy(operation);
    return false;
}

// MARK: Server's side

bool cgb_call_receive_close(cgb_call *call) {
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &call->cancelled;
    return cgb_call_start(cgb_operation_create(call, CGB_EVENT_CLOSED), &op, 1);
}

bool cgb_call_receive_message(cgb_call *call) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->message;
    return cgb_call_start(cgb_operation_create(call, CGB_EVENT_MESSAGE), &op, 1);
}

static size_t add_headers(cgb_call *call, grpc_op *ops) {
    if (call->headers_sent) return 0;
    call->headers_sent = true;
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    return 1;
}

bool cgb_call_send(cgb_call *call, const uint8_t *bytes, size_t length) {
    grpc_op ops[2] = {0};
    cgb_operation *operation = cgb_operation_create(call, CGB_EVENT_SENT);
    operation->sent = cgb_buffer(bytes, length);
    size_t count = add_headers(call, ops);
    ops[count].op = GRPC_OP_SEND_MESSAGE;
    ops[count++].data.send_message.send_message = operation->sent;
    return cgb_call_start(operation, ops, count);
}

void cgb_call_add_trailer(cgb_call *call, const uint8_t *key, size_t key_length, const uint8_t *value,
                          size_t value_length) {
    grpc_metadata pair = {0};
    pair.key = grpc_slice_from_copied_buffer((const char *)key, key_length);
    pair.value = grpc_slice_from_copied_buffer((const char *)value, value_length);
    bool legal = grpc_header_key_is_legal(pair.key) &&
                 (grpc_is_binary_header(pair.key) || grpc_header_nonbin_value_is_legal(pair.value));
    if (!legal) {
        grpc_slice_unref(pair.key);
        grpc_slice_unref(pair.value);
        return;
    }
    if (call->trailer_count == call->trailer_capacity) {
        call->trailer_capacity = call->trailer_capacity == 0 ? 4 : call->trailer_capacity * 2;
        call->trailers = gpr_realloc(call->trailers, call->trailer_capacity * sizeof *call->trailers);
    }
    call->trailers[call->trailer_count++] = pair;
}

bool cgb_call_finish(cgb_call *call, bool has_message, const uint8_t *bytes, size_t length, int32_t status,
                     const uint8_t *text, size_t text_length) {
    grpc_op ops[3] = {0};
    cgb_operation *operation = cgb_operation_create(call, CGB_EVENT_FINISHED);
    size_t count = add_headers(call, ops);
    if (has_message) {
        operation->sent = cgb_buffer(bytes, length);
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = operation->sent;
    }
    grpc_slice words = grpc_slice_from_copied_buffer((const char *)text, text_length);
    ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[count].data.send_status_from_server.status = (grpc_status_code)status;
    ops[count].data.send_status_from_server.status_details = &words;
    ops[count].data.send_status_from_server.trailing_metadata = call->trailers;
    ops[count++].data.send_status_from_server.trailing_metadata_count = call->trailer_count;
    bool started = cgb_call_start(operation, ops, count);
    grpc_slice_unref(words);
    return started;
}

// MARK: Client's side

static size_t add_request(cgb_call *call, cgb_operation *operation, const uint8_t *bytes, size_t length,
                          grpc_op *ops) {
    operation->sent = cgb_buffer(bytes, length);
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = operation->sent;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->headers;
    return 4;
}

static void set_receive_status(cgb_call *call, grpc_op *op) {
    op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    op->data.recv_status_on_client.trailing_metadata = &call->received_trailers;
    op->data.recv_status_on_client.status = &call->status;
    op->data.recv_status_on_client.status_details = &call->status_text;
}

bool cgb_call_unary(cgb_call *call, const uint8_t *bytes, size_t length) {
    grpc_op ops[6] = {0};
    cgb_operation *operation = cgb_operation_create(call, CGB_EVENT_STATUS);
    size_t count = add_request(call, operation, bytes, length, ops);
    ops[count].op = GRPC_OP_RECV_MESSAGE;
    ops[count++].data.recv_message.recv_message = &call->message;
    set_receive_status(call, &ops[count++]);
    return cgb_call_start(operation, ops, count);
}

bool cgb_call_open_stream(cgb_call *call, const uint8_t *bytes, size_t length) {
    grpc_op ops[4] = {0};
    grpc_op end = {0};
    set_receive_status(call, &end);
    if (!cgb_call_start(cgb_operation_create(call, CGB_EVENT_STATUS), &end, 1)) return false;
    cgb_operation *operation = cgb_operation_create(call, CGB_EVENT_OPENED);
    size_t count = add_request(call, operation, bytes, length, ops);
    if (cgb_call_start(operation, ops, count)) return true;
    cgb_call_cancel(call);  // the status operation then ends by itself
    return false;
}

// MARK: What came

static const uint8_t *bytes_of(const grpc_slice *slice, size_t *length) {
    *length = GRPC_SLICE_LENGTH(*slice);
    return GRPC_SLICE_START_PTR(*slice);
}

const uint8_t *cgb_call_method(const cgb_call *call, size_t *length) { return bytes_of(&call->details.method, length); }

size_t cgb_call_headers_size(const cgb_call *call) {
    size_t size = 0;
    for (size_t index = 0; index < call->headers.count; index++) {
        const grpc_metadata *pair = &call->headers.metadata[index];
        size += GRPC_SLICE_LENGTH(pair->key) + GRPC_SLICE_LENGTH(pair->value) + 32;
    }
    return size;
}

int cgb_call_peer_fd(const cgb_call *call) {
    char *peer = grpc_call_get_peer(call->call);
    if (peer == NULL) return -1;
    int number = -1;
    if (strncmp(peer, "fd:", 3) == 0 && peer[3] >= '0' && peer[3] <= '9') {
        char *end = NULL;
        long value = strtol(peer + 3, &end, 10);
        if (*end == '\0' && value >= 0 && value <= INT32_MAX) number = (int)value;
    }
    gpr_free(peer);
    return number;
}

int64_t cgb_call_remaining_ns(const cgb_call *call) {
    gpr_timespec deadline = call->details.deadline;
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return INT64_MAX;
    gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    if (left.tv_sec > 1000000000) return INT64_MAX;
    return left.tv_sec * 1000000000 + left.tv_nsec;
}

bool cgb_call_cancelled(const cgb_call *call) { return call->cancelled != 0; }

bool cgb_call_has_message(const cgb_call *call) { return call->message != NULL; }

bool cgb_call_message_is_compressed(const cgb_call *call) {
    return call->message != NULL && call->message->data.raw.compression != GRPC_COMPRESS_NONE;
}

size_t cgb_call_message_length(const cgb_call *call) {
    return call->message == NULL ? 0 : grpc_byte_buffer_length(call->message);
}

size_t cgb_call_take_message(cgb_call *call, uint8_t *into, size_t capacity) {
    size_t copied = 0;
    grpc_byte_buffer_reader reader;
    if (call->message == NULL) return 0;
    if (grpc_byte_buffer_reader_init(&reader, call->message)) {
        grpc_slice *slice;
        while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
            size_t length = GRPC_SLICE_LENGTH(*slice);
            if (length > capacity - copied) break;
            if (length > 0) memcpy(into + copied, GRPC_SLICE_START_PTR(*slice), length);
            copied += length;
        }
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(call->message);
    call->message = NULL;
    return copied;
}

int32_t cgb_call_status(const cgb_call *call) { return (int32_t)call->status; }

const uint8_t *cgb_call_status_text(const cgb_call *call, size_t *length) {
    return bytes_of(&call->status_text, length);
}

size_t cgb_call_trailer_count(const cgb_call *call) { return call->received_trailers.count; }

const uint8_t *cgb_call_trailer_key(const cgb_call *call, size_t index, size_t *length) {
    return bytes_of(&call->received_trailers.metadata[index].key, length);
}

const uint8_t *cgb_call_trailer_value(const cgb_call *call, size_t index, size_t *length) {
    return bytes_of(&call->received_trailers.metadata[index].value, length);
}
