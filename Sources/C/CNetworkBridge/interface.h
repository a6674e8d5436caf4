#pragma once
// All calls act on the network namespace of the calling thread.
#include "network.h"

/// Makes a pair of interfaces: eth0, which carries `address` of a /30, and host0 at its other end, both up.
csh_network_failure csh_interface_make(int control, const char *address);

/// Takes the host's end down, or up again.
csh_network_failure csh_interface_cut(int control, int is_cut);

/// Gives the host's end its address, by which the namespace's own processes reach eth0's.
csh_network_failure csh_interface_attach(int control, const char *address);

/// Gives the calling thread's namespace a way for every address: by eth0 and `gateway`, or by the loopback, with
/// `source` as the sender. There it ends: nothing of the namespace leads further.
csh_network_failure csh_interface_route(int has_interface, const char *gateway, const char *source);
