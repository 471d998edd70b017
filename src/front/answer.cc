#include "front/answer.h"

#include "base/check.h"
#include "base/text.h"

namespace forebay::front {
namespace {

/// RFC 9209; empty where the fault is the request's own.
std::string proxy_status(const Answer& answer) {
  switch (answer.reason) {
    case Reason::kQueueFull:
    case Reason::kQueueTimeout:
    case Reason::kPredictedWait:
    case Reason::kDeadline:
    case Reason::kShuttingDown:
    case Reason::kNoRoom:
      return format("forebay; error=connection_limit_reached; details=\"{}\"", word(answer.reason));
    case Reason::kWorkerDied:
      return "forebay; error=connection_terminated";
    case Reason::kWorkerTimeout:
      return "forebay; error=http_response_timeout";
    default:
      return "";
  }
}

}  // namespace

Answer answer_for(Reason reason) {
  switch (reason) {
    case Reason::kQueueFull:
      return {503, reason, "Too many requests are waiting. Nothing was done; try again later.", 0};
    case Reason::kQueueTimeout:
      return {503, reason, "No server became free in time. Nothing was done; try again later.", 0};
    case Reason::kPredictedWait:
      return {503, reason, "The wait would be too long. Nothing was done; try again later.", 0};
    case Reason::kDeadline:
      return {503, reason, "It could not be done by its deadline. Nothing was done.", 0};
    case Reason::kShuttingDown:
      return {503, reason, "The server is stopping. Nothing was done; try again.", 0};
    case Reason::kWorkerDied:
      return {502, reason, "The application died while it worked on the request.", 0};
    case Reason::kWorkerTimeout:
      return {504, reason, "The application took too long.", 0};
    case Reason::kNoRoom:
      return {503, reason, "There is no room for the body now. Nothing was done; try again later.",
              0};
    case Reason::kSlowRequest:
      return {408, reason, "The request took too long to arrive.", 0};
    default:
      check_failed("no answer for this reason");
  }
}

std::size_t write_answer(std::string& out, const Answer& answer, std::string_view accept,
                         const http::RequestFacts& facts, const http::HttpDate& date) {
  const bool json = accept.find("application/json") != std::string_view::npos;
  const std::string_view title = http::status_reason(answer.status);
  std::string body;
  if (json) {
    body = format("{{\"status\":{},\"title\":\"{}\",\"reason\":\"{}\",\"detail\":\"{}\"}}\n",
                  answer.status, title, word(answer.reason), answer.detail);
  } else if (answer.status == 200) {
    body = format("{}\n", answer.detail);
  } else {
    body = format("{} {}\n{}\n", answer.status, title, answer.detail);
  }
  http::HeadWriter head(out, answer.status, "");
  head.field("Content-Type", json ? "application/json" : "text/plain; charset=utf-8");
  head.field("Cache-Control", "no-store");
  if (answer.retry_after != 0) {
    head.field("Retry-After", std::to_string(answer.retry_after));
  }
  if (!answer.request_id.empty()) {
    head.field("X-Request-ID", answer.request_id);
  }
  if (const std::string status = proxy_status(answer); !status.empty()) {
    head.field("Proxy-Status", status);
  }
  const http::ResponseFraming framing =
      http::decide_framing(facts, answer.status, std::nullopt, body.size());
  head.finish(framing, facts, {date.data(), date.size()});
  if (!framing.body_allowed) {
    return 0;
  }
  out.append(body);
  return body.size();
}

}  // namespace forebay::front
