#include "doctor/json_report.h"

namespace forebay::doctor {
namespace {

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json socket_json(const ListeningSocket& socket) {
  return {{"address", socket.address},      {"inode", socket.inode},
          {"waiting", socket.waiting},      {"limit", socket.limit},
          {"full", socket.full()},          {"gone", or_null(socket.gone)},
          {"drops", or_null(socket.drops)}, {"owners", socket.owners}};
}

Json counters_json(const ListenCounters& counters) {
  return {{"listen_overflows", counters.overflows},
          {"listen_drops", counters.drops},
          {"reqq_full_drops", counters.reqq_drops}};
}

Json network_json(const NetworkNamespace& network) {
  Json sockets = Json::array();
  for (const ListeningSocket& socket : network.sockets) {
    sockets.push_back(socket_json(socket));
  }
  return {{"id", network.id},
          {"pid", network.pid == 0 ? Json(nullptr) : Json(network.pid)},
          {"somaxconn", or_null(network.somaxconn)},
          {"counters", network.counters ? counters_json(*network.counters) : Json(nullptr)},
          {"sockets", sockets}};
}

}  // namespace

Json to_json(const Host& host) {
  Json networks = Json::array();
  for (const NetworkNamespace& network : host.networks) {
    networks.push_back(network_json(network));
  }
  Json processes = Json::array();
  for (const Process& process : host.processes) {
    processes.push_back({{"pid", process.pid},
                         {"parent", process.parent},
                         {"name", process.name},
                         {"command", process.command}});
  }
  return {{"schema_version", kSchemaVersion},
          {"forebay", FOREBAY_VERSION},
          {"networks", networks},
          {"processes", processes},
          {"unseen", host.unseen}};
}

}  // namespace forebay::doctor
