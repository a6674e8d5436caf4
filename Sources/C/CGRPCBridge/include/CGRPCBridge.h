// The part of the gRPC C core that the transport uses, without its slices, batches and by-value structs.
//
// Objects are opaque. A call is counted: its owner holds one reference, every operation under way one more.
// Every function may be called from any thread; one call's send side and its receive side are each used by
// one thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cgb_queue cgb_queue;
typedef struct cgb_server cgb_server;
typedef struct cgb_channel cgb_channel;
typedef struct cgb_call cgb_call;

enum {
    CGB_EVENT_END = 0,       // the queue is shut down and empty: nothing follows
    CGB_EVENT_ARRIVED = 1,   // a requested call has a client; not ok: the server is shutting down
    CGB_EVENT_MESSAGE = 2,   // a message, or none, was received
    CGB_EVENT_CLOSED = 3,    // the server's call is over; see cgb_call_cancelled
    CGB_EVENT_SENT = 4,      // a message went out; not ok: the peer is gone
    CGB_EVENT_FINISHED = 5,  // the status went out; not ok: the peer is gone
    CGB_EVENT_DRAINED = 6,   // the server has no connection left
    CGB_EVENT_STATUS = 7,    // the client's call is over: status, trailers and, if unary, message are there
    CGB_EVENT_OPENED = 8,    // the client's request went out
    CGB_EVENT_TIMEOUT = 9,   // nothing happened on the queue in the time that was given
};

typedef struct {
    int32_t kind;
    bool ok;
    uint64_t id;  // what the operation was started with
} cgb_event;

typedef struct {
    size_t max_memory_bytes;
    int32_t max_concurrent_streams;
    int32_t max_metadata_bytes;
} cgb_limits;

// Queues: one thread calls next until END, then destroys.
// Starts the core, which a queue does as well; may be repeated.
void cgb_prepare(void);
cgb_queue *cgb_queue_create(void);
cgb_event cgb_queue_next(cgb_queue *queue, int64_t timeout_ns /* < 0: none */);
void cgb_queue_shutdown(cgb_queue *queue);  // no operation may be started afterwards
void cgb_queue_destroy(cgb_queue *queue);

// Server
cgb_server *cgb_server_create(cgb_queue *queue, cgb_limits limits);
void cgb_server_start(cgb_server *server);
void cgb_server_adopt(cgb_server *server, int fd);  // takes the descriptor
void cgb_server_shutdown(cgb_server *server, cgb_queue *queue, uint64_t id);
void cgb_server_cancel_all(cgb_server *server);
void cgb_server_destroy(cgb_server *server);  // after DRAINED
// The call's slot is made now and filled by ARRIVED; the caller owns one reference. NULL: refused.
cgb_call *cgb_server_request(cgb_server *server, cgb_queue *queue, uint64_t id);

// Client
cgb_channel *cgb_channel_create(const char *target, int32_t max_message_bytes);
void cgb_channel_destroy(cgb_channel *channel);
cgb_call *cgb_channel_call(cgb_channel *channel, cgb_queue *queue, uint64_t id, const uint8_t *method,
                           size_t method_length, int64_t timeout_ns /* < 0: none */);
bool cgb_call_unary(cgb_call *call, const uint8_t *bytes, size_t length);
bool cgb_call_open_stream(cgb_call *call, const uint8_t *bytes, size_t length);

// Calls
void cgb_call_release(cgb_call *call);
void cgb_call_cancel(cgb_call *call);
bool cgb_call_receive_close(cgb_call *call);
bool cgb_call_receive_message(cgb_call *call);
bool cgb_call_send(cgb_call *call, const uint8_t *bytes, size_t length);
// Trailers that HTTP/2 cannot carry are left out. Before finish only.
void cgb_call_add_trailer(cgb_call *call, const uint8_t *key, size_t key_length, const uint8_t *value,
                          size_t value_length);
bool cgb_call_finish(cgb_call *call, bool has_message, const uint8_t *bytes, size_t length, int32_t status,
                     const uint8_t *text, size_t text_length);

// What came, readable after the event that brought it
const uint8_t *cgb_call_method(const cgb_call *call, size_t *length);
size_t cgb_call_headers_size(const cgb_call *call);      // as SETTINGS_MAX_HEADER_LIST_SIZE counts
int cgb_call_peer_fd(const cgb_call *call);              // the adopted descriptor's number, or -1
int64_t cgb_call_remaining_ns(const cgb_call *call);     // INT64_MAX: no deadline
bool cgb_call_cancelled(const cgb_call *call);
bool cgb_call_has_message(const cgb_call *call);
bool cgb_call_message_is_compressed(const cgb_call *call);
size_t cgb_call_message_length(const cgb_call *call);
size_t cgb_call_take_message(cgb_call *call, uint8_t *into, size_t capacity);  // copies, then drops it
int32_t cgb_call_status(const cgb_call *call);
const uint8_t *cgb_call_status_text(const cgb_call *call, size_t *length);
size_t cgb_call_trailer_count(const cgb_call *call);
const uint8_t *cgb_call_trailer_key(const cgb_call *call, size_t index, size_t *length);
const uint8_t *cgb_call_trailer_value(const cgb_call *call, size_t index, size_t *length);

// Linux calls that Swift's C library module does not show; each answers -1 with errno on failure.
int cgb_event_descriptor(void);  // eventfd(2), close-on-exec, non-blocking
int cgb_accept(int listener);    // accept4(2), close-on-exec, non-blocking
int cgb_peer_credentials(int fd, int32_t *pid, uint32_t *uid, uint32_t *gid);
