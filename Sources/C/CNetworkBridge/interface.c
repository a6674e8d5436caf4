// The interface of a namespace for runtimes with a network stack of their own, by rtnetlink(7) through libmnl.
#include "interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/// What the workload's side and the host's side are called.
#define INSIDE "eth0"
#define OUTSIDE "host0"

static csh_network_failure fine(void) { return (csh_network_failure){.error = 0, .call = ""}; }

static csh_network_failure failed(const char *call) {
    return (csh_network_failure){.error = errno ? errno : EIO, .call = call};
}

/// Sends one request and waits for its acknowledgement.
static csh_network_failure ask(const struct nlmsghdr *request, const char *what) {
    struct mnl_socket *line = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!line) return failed("mnl_socket_open");
    csh_network_failure failure = fine();
    char answer[8192];
    ssize_t count = -1;
    if (mnl_socket_bind(line, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(line, request, request->nlmsg_len) < 0) {
        failure = failed("mnl_socket_sendto");
    } else if ((count = mnl_socket_recvfrom(line, answer, sizeof answer)) < 0) {
        failure = failed("mnl_socket_recvfrom");
    } else if (mnl_cb_run(answer, (size_t)count, request->nlmsg_seq, mnl_socket_get_portid(line), NULL, NULL) < 0) {
        failure = failed(what);
    }
    mnl_socket_close(line);
    return failure;
}

static csh_network_failure make_pair(void) {
    char buffer[1024] = {0};
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    request->nlmsg_type = RTM_NEWLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
    request->nlmsg_seq = 1;
    mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request, IFLA_IFNAME, INSIDE);
    struct nlattr *about = mnl_attr_nest_start(request, IFLA_LINKINFO);
    mnl_attr_put_strz(request, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
    struct nlattr *peer = mnl_attr_nest_start(request, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request, IFLA_IFNAME, OUTSIDE);
    mnl_attr_nest_end(request, peer);
    mnl_attr_nest_end(request, data);
    mnl_attr_nest_end(request, about);
    return ask(request, "RTM_NEWLINK");
}

static csh_network_failure set_address(int control, const char *name, const char *address) {
    struct ifreq request;
    struct sockaddr_in *where = (struct sockaddr_in *)&request.ifr_addr;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, name);
    where->sin_family = AF_INET;
    if (inet_pton(AF_INET, address, &where->sin_addr) != 1) {
        errno = EINVAL;
        return failed("inet_pton");
    }
    if (ioctl(control, SIOCSIFADDR, &request) != 0) return failed("ioctl SIOCSIFADDR");
    inet_pton(AF_INET, "255.255.255.252", &where->sin_addr);
    if (ioctl(control, SIOCSIFNETMASK, &request) != 0) return failed("ioctl SIOCSIFNETMASK");
    return fine();
}

static csh_network_failure bring(int control, const char *name, int is_up) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, name);
    if (ioctl(control, SIOCGIFFLAGS, &request) != 0) return failed("ioctl SIOCGIFFLAGS");
    if (is_up) request.ifr_flags |= IFF_UP;
    else request.ifr_flags &= ~IFF_UP;
    if (ioctl(control, SIOCSIFFLAGS, &request) != 0) return failed("ioctl SIOCSIFFLAGS");
    return fine();
}

/// Addresses that nobody gave would be taken for the workload's; a kernel without IPv6 has no such file.
static void leave_out_ipv6(void) {
    for (int index = 0; index < 2; index++) {
        int file = open(index ? "/proc/sys/net/ipv6/conf/all/disable_ipv6" : "/proc/sys/net/ipv6/conf/default/disable_ipv6",
                        O_WRONLY | O_CLOEXEC);
        if (file < 0) continue;
        (void)!write(file, "1", 1);
        close(file);
    }
}

csh_network_failure csh_interface_make(int control, const char *address) {
    leave_out_ipv6();
    csh_network_failure failure = make_pair();
    if (!failure.error) failure = set_address(control, INSIDE, address);
    if (!failure.error) failure = bring(control, INSIDE, 1);
    if (!failure.error) failure = bring(control, OUTSIDE, 1);
    return failure;
}

csh_network_failure csh_interface_cut(int control, int is_cut) { return bring(control, OUTSIDE, !is_cut); }

csh_network_failure csh_interface_attach(int control, const char *address) {
    return set_address(control, OUTSIDE, address);
}

csh_network_failure csh_interface_route(int has_interface, const char *gateway, const char *source) {
    struct in_addr from, by;
    unsigned out = if_nametoindex(has_interface ? INSIDE : "lo");
    if (!out) return failed("if_nametoindex");
    if (inet_pton(AF_INET, source, &from) != 1 || inet_pton(AF_INET, gateway, &by) != 1) {
        errno = EINVAL;
        return failed("inet_pton");
    }
    char buffer[512] = {0};
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    request->nlmsg_type = RTM_NEWROUTE;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK;
    request->nlmsg_seq = 1;
    struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof *route);
    route->rtm_family = AF_INET;
    route->rtm_table = RT_TABLE_MAIN;
    route->rtm_protocol = RTPROT_STATIC;
    route->rtm_scope = has_interface ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    route->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(request, RTA_OIF, out);
    if (has_interface) mnl_attr_put_u32(request, RTA_GATEWAY, by.s_addr);
    else mnl_attr_put_u32(request, RTA_PREFSRC, from.s_addr);
    return ask(request, "RTM_NEWROUTE");
}
