#include "base/text.h"
#include "lab/lab.h"
#include "lab/scene.h"

/// "What happens if all workers are busy and a request comes in?" The path of that request, and of
/// a second one whose client leaves while it waits.
namespace forebay::lab {
namespace {

// When it happens, in service times since the workers got their work.
constexpr double kFirstComesAt = 0.25;
constexpr double kSecondComesAt = 0.4;
constexpr double kSecondLeavesAt = 0.55;
constexpr double kCalmSeconds = 0.2;  // without work: it is over
constexpr std::string_view kFirst = "/first";
constexpr std::string_view kSecond = "/second";

Result<void> occupy_workers(Scene& scene) {
  const Settings& settings = scene.stack().settings();
  scene.note(0, format("{} requests come, {} s of work each", settings.workers, settings.service));
  for (unsigned i = 0; i < settings.workers; ++i) {
    if (auto sent = scene.send("/"); !sent) {
      return sent;
    }
  }
  auto busy = scene.until("work for all workers", [&] {
    return scene.stack().journal().started.size() == settings.workers;
  });
  scene.note(scene.now(), format("all {} workers are busy", settings.workers));
  return busy;
}

/// What ends the wait, and which limits apply to it.
std::string limits(const Scene& scene) {
  const Settings& settings = scene.stack().settings();
  return scene.forebay()
             ? format(
                   "there until a worker is free; at most {} s (--max-wait), then 503; refused at "
                   "once with 503 when --max-queue are before it",
                   settings.max_wait)
             : format(
                   "there until a worker is free; at most {} s (nginx's proxy_read_timeout), then "
                   "504; refused at once with 502 when the queue is full; gunicorn's --timeout "
                   "does not run yet",
                   settings.read_timeout);
}

Result<void> first_comes(Scene& scene) {
  if (auto waited = scene.wait_for(kFirstComesAt); !waited) {
    return waited;
  }
  const double at = scene.now();
  if (auto sent = scene.send(kFirst); !sent) {
    return sent;
  }
  scene.note(
      at, format("a request comes; the kernel connects it ({:.1f} ms)", 1000 * (scene.now() - at)));
  if (auto taken = scene.until("accept()", [&] { return scene.all_accepted(); }); !taken) {
    return taken;
  }
  scene.note(scene.now(), scene.forebay()
                              ? "Forebay has accepted it and reads it"
                              : "nginx has accepted it, reads it, connects to gunicorn's socket");
  auto queued = scene.until("its place", [&] { return scene.waiting().requests == 1; });
  scene.note(scene.now(), format("it waits in {}: {}",
                                 scene.forebay() ? "Forebay's queue"
                                                 : "the kernel, in the listen queue of that socket",
                                 scene.waiting().place));
  scene.note(scene.now(), limits(scene));
  return queued;
}

Result<void> second_comes(Scene& scene) {
  if (auto waited = scene.wait_for(kSecondComesAt); !waited) {
    return waited;
  }
  const double at = scene.now();
  if (auto sent = scene.send(kSecond); !sent) {
    return sent;
  }
  auto queued = scene.until("a second place", [&] { return scene.waiting().requests == 2; });
  scene.note(at, "a second request comes and waits: " + scene.waiting().place);
  return queued;
}

Result<void> second_leaves(Scene& scene) {
  if (auto waited = scene.wait_for(kSecondLeavesAt); !waited) {
    return waited;
  }
  scene.note(scene.now(), "the client of the second one leaves");
  scene.leave();
  auto seen = scene.until("the end of its connection", [&] {
    const Waiting waiting = scene.waiting();
    return scene.forebay() ? waiting.requests == 1 : waiting.gone == 1;
  });
  scene.note(scene.now(), scene.forebay()
                              ? "it is taken out of the queue (499 in the access log)"
                              : format("it stays in the queue: still {}", scene.waiting().place));
  return seen;
}

Result<void> all_ends(Scene& scene) {
  if (auto done = scene.until("the last answer", [&] { return scene.all_answered(); }); !done) {
    return done;
  }
  double busy_at = scene.now();
  return scene.until("the end of all work", [&] {
    const Journal journal = scene.stack().journal();
    if (scene.waiting().requests > 0 || journal.started.size() > journal.finished.size()) {
      busy_at = scene.now();
    }
    return scene.now() >= busy_at + kCalmSeconds;
  });
}

void note_work(Scene& scene) {
  const Answer& first = scene.last_answer();
  if (const auto at = scene.started(kFirst)) {
    scene.note(*at, format("a worker takes the first one, {:.2f} s after it came", *at - first.at));
  }
  scene.note(first.at + first.latency, format("the first one is answered with {}, {:.2f} s after "
                                              "it came",
                                              first.status, first.latency));
  const auto from = scene.started(kSecond);
  const auto until = scene.finished(kSecond);
  if (from && until) {
    scene.note(*from, "a worker takes the second one, whose client has left");
    scene.note(*until, format("it has worked {:.2f} s for nobody", *until - *from));
  } else {
    scene.note(scene.now(), "the second one was never run");
  }
}

Result<Run> play(Stack& stack, const Programs&, const Tell& tell) {
  Scene scene(stack, tell);
  for (const auto step : {occupy_workers, first_comes, second_comes, second_leaves, all_ends}) {
    if (auto done = step(scene); !done) {
      return std::unexpected(done.error());
    }
  }
  note_work(scene);
  return scene.collect();
}

Settings settings_of(const Options& o) {
  Settings settings;
  settings.workers = o.workers.value_or(8);
  settings.service = o.service.value_or(o.quick ? 1 : 2);
  settings.somaxconn = o.somaxconn.value_or(128);
  settings.backlog = o.backlog.value_or(1024);
  settings.duration = kSecondComesAt * settings.service;
  settings.rate = (settings.workers + 2) / settings.duration;
  return settings;
}

/// All but the one whose client left are answered; who cannot see that it left runs it.
Promise promise_of(const Run& run) {
  const bool forebay = run.stack == word(StackKind::kForebay);
  const std::uint64_t runs = forebay ? run.requests - 1 : run.requests;
  Promise promise;
  promise.text = forebay ? "it waits and is answered; whose client has left is not run"
                         : "as reckoned: it waits and is answered; whose client has left is run";
  promise.figures = format("{} of {} answered, {} run", run.ok(), run.requests, run.started.size());
  promise.kept = run.ok() == run.requests - 1 && run.started.size() == runs;
  return promise;
}

std::vector<std::string> timeline_of(const std::vector<Run>& runs) {
  std::vector<std::string> lines;
  for (const Run& run : runs) {
    lines.emplace_back("");
    lines.push_back(run.title);
    for (const Event& event : run.events) {
      lines.push_back(format("{:8.3f} s  {}", event.at, event.what));
    }
  }
  return lines;
}

std::string verdict_of(const std::vector<Run>& runs) {
  std::vector<std::string> words;
  for (const Run& run : runs) {
    const bool vain = run.started.size() > run.ok();
    words.push_back(format("{} {}", run.title,
                           run.stack == word(StackKind::kForebay)
                               ? "in its queue, where it can be seen"
                               : "in the kernel, where nobody sees it"));
    words.back() += vain ? ", and is run even if its client has left" : "";
  }
  return format("A request that comes while all workers are busy waits: with {}.",
                fmt::join(words, "; with "));
}

}  // namespace

Result<Experiment> busy(const Lab& lab) {
  const Settings settings = settings_of(lab.options);
  const Case plan{.scenario = "a request while all workers are busy, and one that leaves",
                  .settings = settings,
                  .seconds = 2 * settings.service,
                  .script = play};
  const std::vector<Case> cases =
      side_by_side(lab, {StackKind::kClassic, StackKind::kForebay}, plan);
  auto experiment = make_experiment(lab, cases, cases.size(), promise_of);
  if (!experiment) {
    return experiment;
  }
  experiment->name = "busy";
  experiment->title = "All workers are busy";
  experiment->timeline = timeline_of(experiment->runs);
  experiment->verdict = verdict_of(experiment->runs);
  return experiment;
}

}  // namespace forebay::lab
