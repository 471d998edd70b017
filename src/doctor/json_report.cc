#include "doctor/json_report.h"

#include "base/clock.h"
#include "doctor/surroundings.h"

namespace forebay::doctor {
namespace {

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json socket_json(const ListeningSocket& socket) {
  return {
      {"address", socket.address},      {"inode", socket.inode},   {"waiting", socket.waiting},
      {"limit", socket.limit},          {"full", socket.full()},   {"gone", or_null(socket.gone)},
      {"drops", or_null(socket.drops)}, {"owners", socket.owners}, {"waiters", socket.waiters}};
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

Json server_json(const Server& server) {
  Json workers = Json::array();
  for (const Worker& worker : server.workers) {
    workers.push_back({{"pid", worker.pid}, {"connections", or_null(worker.connections)}});
  }
  Json routes = Json::array();
  for (const Route& route : server.routes) {
    routes.push_back({{"upstream", route.upstream},
                      {"connect_timeout_seconds", route.connect_timeout_seconds},
                      {"read_timeout_seconds", route.read_timeout_seconds},
                      {"where", route.where}});
  }
  Json backlogs = Json::array();
  for (const AskedBacklog& asked : server.backlogs) {
    backlogs.push_back({{"address", asked.address.empty() ? Json(nullptr) : Json(asked.address)},
                        {"backlog", asked.backlog},
                        {"where", asked.where}});
  }
  return {{"kind", word(server.kind)},
          {"pid", server.pid},
          {"workers", workers},
          {"requests_per_worker", server.threads},
          {"timeout_seconds", or_null(server.timeout_seconds)},
          {"backlogs", backlogs},
          {"routes", routes}};
}

Json finding_json(const Finding& finding) {
  return {{"severity", word(finding.severity)},
          {"rule", finding.rule},
          {"subject", finding.subject},
          {"what", finding.what},
          {"evidence", finding.evidence},
          {"users", finding.users},
          {"fix", finding.fix},
          {"trade_off", finding.trade_off}};
}

}  // namespace

Json to_json(const Host& host, const std::vector<Finding>& findings) {
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
  Json servers = Json::array();
  for (const Server& server : host.servers) {
    servers.push_back(server_json(server));
  }
  Json wrong = Json::array();
  for (const Finding& finding : findings) {
    wrong.push_back(finding_json(finding));
  }
  return {{"schema_version", kSchemaVersion},
          {"forebay", FOREBAY_VERSION},
          {"findings", wrong},
          {"servers", servers},
          {"networks", networks},
          {"processes", processes},
          {"unseen", host.unseen}};
}

Json to_json(const Fill& fill) {
  if (fill.waiting == 0) {
    return nullptr;
  }
  return {{"address", fill.address}, {"waiting", fill.waiting}, {"limit", fill.limit}};
}

Json to_json(const std::vector<ProbeStep>& steps) {
  Json all = Json::array();
  for (const ProbeStep& step : steps) {
    Json answers = Json::array();
    for (const ProbeAnswer& answer : step.answers) {
      answers.push_back({{"status", answer.status == 0 ? Json(nullptr) : Json(answer.status)},
                         {"error", answer.error.empty() ? Json(nullptr) : Json(answer.error)},
                         {"seconds", to_seconds(answer.time)}});
    }
    all.push_back({{"at_once", step.parallel}, {"answers", answers}});
  }
  return {{"schema_version", kSchemaVersion}, {"healthy", healthy(steps)}, {"steps", all}};
}

}  // namespace forebay::doctor
