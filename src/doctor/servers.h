#pragma once

#include <cstddef>
#include <vector>

#include "doctor/host.h"

namespace forebay::doctor {

/// Finds nginx, gunicorn, uWSGI and Forebay among the owners of listening sockets and reads their
/// command lines and configuration files; nothing of them is run. What could not be read is added
/// to host.unseen.
void recognise_servers(Host& host);

/// Counts for each worker of gunicorn and uWSGI the connections that it has accepted.
/// `accepted`: of the namespace `network`.
void count_connections(Host& host, const NetworkNamespace& network,
                       const std::vector<AcceptedSocket>& accepted);

/// The command line of nginx's master, "nginx: master process nginx -c FILE -p PREFIX", says where
/// its configuration lies.
std::string nginx_config_path(const std::vector<std::string>& command);

}  // namespace forebay::doctor
