#include "lab/sampler.h"

#include <chrono>

#include "doctor/sockets.h"
#include "doctor/status_page.h"

namespace forebay::lab {
namespace {

constexpr std::uint64_t kForebayQueueMax = 10'000;  // the default of --max-queue

}  // namespace

double wall_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void Sampler::look(Stack& stack, double at) {
  waiting_ = 0;
  for (const doctor::ListeningSocket& socket : doctor::read_listening_sockets().sockets) {
    if (const auto name = stack.sockets().find(socket.address); name != stack.sockets().end()) {
      note("kernel, " + name->second, socket.capacity(), socket.waiting, at);
    }
  }
  if (stack.admin().empty()) {
    return;
  }
  if (const auto status = doctor::read_forebay_status(stack.server().pid(), stack.admin())) {
    note("forebay", kForebayQueueMax, status->waiting, at);
  }
}

void Sampler::note(const std::string& name, std::uint64_t limit, std::uint64_t waiting, double at) {
  Queue& queue = queues_[name];
  queue.name = name;
  queue.limit = limit;
  queue.at.push_back(at);
  queue.waiting.push_back(waiting);
  waiting_ += waiting;
}

std::vector<Queue> Sampler::queues(double zero) const {
  std::vector<Queue> found;
  for (const auto& [name, queue] : queues_) {
    found.push_back(queue);
    for (double& at : found.back().at) {
      at -= zero;
    }
  }
  return found;
}

}  // namespace forebay::lab
