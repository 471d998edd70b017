// The requests of a generation: down through its channel, and their responses up.

#include <algorithm>

#include "base/text.h"
#include "workers/exchange_codec.h"
#include "workers/generation.h"

namespace forebay::workers {
namespace {

/// Long beside a wake-up, short beside anything that a person notices.
constexpr std::chrono::milliseconds kNudge{2};

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool Generation::start_exchange(front::Exchange& exchange) {
  if (retiring_) {
    return false;
  }
  const std::size_t head = head_bytes(exchange);
  const front::Body& body = exchange.body;
  const bool by_file = body.file() && body.size() > channel::kArenaBodyMax;
  const std::optional<channel::Draft> draft = channel_.reserve(head + (by_file ? 0 : body.size()));
  if (!draft) {
    return false;
  }
  write_head(exchange, draft->payload.first(head));
  auto* out = reinterpret_cast<char*>(draft->payload.data()) + head;
  if (body.file() && !by_file) {
    if (const Result<void> copied = body.file()->read(0, out, body.size()); !copied) {
      front_.log().error("a request's body is lost: {}", copied.error().message);
      channel_.finish(draft->ticket);
      lose(exchange);
      return true;
    }
  } else if (!by_file) {
    body.memory().copy(out, body.size());  // none at all, maybe: not for memcpy
  }
  jobs_[draft->ticket.slot] = {&exchange, {}, 0};
  exchange.backend_place = this;
  exchange.backend_ticket = draft->ticket.pack();
  channel_.publish(*draft, static_cast<std::uint32_t>(head), by_file ? body.size() : 0);
  nudge_later();
  return true;
}

/// It was taken from the queue, but no server can have it.
void Generation::lose(front::Exchange& exchange) {
  front_.dispatcher().answered(exchange);
  front_.dispatcher().server_free(std::nullopt);
  exchange.sink.lost(front::Reason::kWorkerDied);
}

/// The server that was woken for a request may be held up, by another thread of its process that
/// keeps the GIL for instance: then somebody else who sleeps shall have it.
void Generation::nudge_later() {
  if (!nudge_timer_.armed()) {
    nudge_timer_.after(kNudge, [this] {
      if (channel_.nudge()) {
        nudge_later();
      }
    });
  }
}

bool Generation::cancel(front::Exchange& exchange) {
  const channel::Ticket ticket = channel::Ticket::unpack(exchange.backend_ticket);
  if (!channel_.cancel(ticket)) {
    return false;
  }
  jobs_[ticket.slot] = {};
  maybe_gone();
  return true;
}

void Generation::abandon(const front::Exchange& exchange) {
  channel_.client_left(channel::Ticket::unpack(exchange.backend_ticket));
}

bool Generation::begun(front::Exchange& exchange) {
  if (exchange.has_started()) {
    return true;
  }
  const channel::Ticket ticket = channel::Ticket::unpack(exchange.backend_ticket);
  const std::optional<channel::Claim> claim = channel_.claim_of(ticket);
  if (claim) {
    note_claim(exchange, *claim, jobs_[ticket.slot]);
  }
  return claim.has_value();
}

void Generation::note_claim(front::Exchange& exchange, const channel::Claim& claim, Job& job) {
  const TimePoint now = Clock::now();
  // A worker's clock is data: it lies between what we know to be before and after.
  exchange.started = std::clamp(from_ns(claim.at_ns), exchange.queued, now);
  job.worker = worker_of(claim.server);
  exchange.worker_pid = workers_[job.worker].pid;
  ++exchange.attempts;
  job.started = exchange.started;
  front_.dispatcher().begun(exchange);
}

std::size_t Generation::poll() {
  return channel_.drain(
      [this](std::uint32_t server, const channel::Record& record) {
        return take_with_room(server, record);
      },
      [this](std::uint32_t server) { corrupt(server); });
}

channel::Taken Generation::take_with_room(std::uint32_t server, const channel::Record& record) {
  const front::Exchange* exchange = jobs_[record.ticket.slot].exchange;
  if (exchange != nullptr && !exchange->sink.has_room()) {
    return channel::Taken::kLater;
  }
  return take(server, record);
}

channel::Taken Generation::take(std::uint32_t server, const channel::Record& record) {
  Job& job = jobs_[record.ticket.slot];
  front::Exchange* exchange = job.exchange;
  Incoming incoming;
  if (exchange != nullptr) {
    begun(*exchange);
    incoming = decode(*exchange, server, record);
  } else if (record.type == channel::RecordType::kFile) {
    take_file(server, record.ticket);  // nobody wants it any more
  }
  const bool done = (record.flags & channel::kDone) != 0;
  const bool over =
      done || !incoming.valid || (record.flags & (channel::kEnd | channel::kAbort)) != 0;
  // The books first: the answer may start the client's next request before it returns.
  if (over && exchange != nullptr) {
    job.exchange = nullptr;
    exchange->ended = Clock::now();
    front_.dispatcher().answered(*exchange);
  }
  if (done) {
    const TimePoint started = std::exchange(job, {}).started;
    const Duration service = std::clamp(from_ns(record.at_ns), started, Clock::now()) - started;
    front_.metrics().busy_seconds += to_seconds(service);
    channel_.finish(record.ticket);
    if (retiring_ || workers_[worker_of(server)].state == Worker::State::kLeaving) {
      events_.capacity_changed();
    }
    count_run(worker_of(server));
    front_.dispatcher().server_free(service);
    maybe_gone();
  }
  if (!incoming.valid) {
    corrupt(server);
  }
  if (exchange != nullptr) {
    deliver(*exchange, record, std::move(incoming), over);
  }
  return channel::Taken::kYes;
}

/// The file that a worker has sent for a kFile record; none: it has not.
Fd Generation::take_file(std::uint32_t server, channel::Ticket ticket) {
  Worker& worker = workers_[worker_of(server)];
  // Sent before the record was committed: it is there.
  while (!worker.files.contains(ticket.pack()) && read_message(worker_of(server))) {
  }
  const auto found = worker.files.find(ticket.pack());
  if (found == worker.files.end()) {
    return Fd();
  }
  Fd file = std::move(found->second);
  worker.files.erase(found);
  return file;
}

/// What a record brings, taken apart before anything is done about it.
Generation::Incoming Generation::decode(const front::Exchange& exchange, std::uint32_t server,
                                        const channel::Record& record) {
  Incoming incoming;
  if (record.type == channel::RecordType::kResponse) {
    incoming.response = read_response(record.payload, fields_);
    incoming.valid = incoming.response.has_value() && !exchange.answering;
  } else if (record.type == channel::RecordType::kBody) {
    incoming.valid = exchange.answering;
  } else if (record.type == channel::RecordType::kFile) {
    channel::StringReader reader(record.payload);
    incoming.offset = reader.get<std::uint64_t>();
    incoming.length = reader.get<std::uint64_t>();
    incoming.file = take_file(server, record.ticket);
    incoming.valid = exchange.answering && reader.ok() && incoming.file;
  }
  return incoming;
}

/// The last thing done with a record: at the end the sink may begin the client's next exchange.
void Generation::deliver(front::Exchange& exchange, const channel::Record& record,
                         Incoming incoming, bool over) {
  const bool aborted = !incoming.valid || (record.flags & channel::kAbort) != 0;
  const bool unanswered = over && !exchange.answering && !incoming.response;
  if (aborted || unanswered) {
    const front::Reason reason =
        incoming.valid && !unanswered ? front::Reason::kAppFailed : front::Reason::kWorkerDied;
    exchange.answering ? exchange.sink.abort(reason)
                       : exchange.sink.lost(front::Reason::kWorkerDied);
  } else if (incoming.response) {
    exchange.answering = true;
    exchange.sink.start(incoming.response->head, incoming.response->body, over);
  } else if (incoming.file) {
    exchange.sink.file(std::move(incoming.file), incoming.offset, incoming.length, over);
  } else {
    exchange.sink.body(text(record.payload), over);
  }
}

}  // namespace forebay::workers
