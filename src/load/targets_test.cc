#include "load/targets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "base/corpus_test.h"
#include "base/temporary_directory_test.h"
#include "base/text.h"
#include "load/target_check.h"

namespace forebay::load {
namespace {

/// A folder of its own for each test, removed after it.
class TargetsTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  std::string file(const std::string& text, const std::string& name = "targets") const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  TemporaryDirectory folder_;
};

std::vector<Target> all_of(Targets& targets) {
  std::vector<Target> all;
  Target room;
  for (std::size_t i = 0; i < targets.size(); ++i)
    all.push_back(**targets.at(i, room));
  return all;
}

std::vector<Target> read(const std::string& path) {
  Result<Targets> targets = Targets::open({.path = path});
  EXPECT_TRUE(targets.has_value()) << (targets ? "" : targets.error().message);
  return targets ? all_of(*targets) : std::vector<Target>();
}

std::string error_of(const TargetOptions& options) {
  const Result<Targets> targets = Targets::open(options);
  return targets ? "no error" : targets.error().message;
}

using HttpTargets = TargetsTest;

TEST_F(HttpTargets, AreReadInAllTheirParts) {
  file("the body\n", "body.txt");
  const std::vector<Target> targets =
      read(file(format("# a comment\n"
                       "\n"
                       "GET http://localhost:6789/\n"
                       "\n"
                       "POST https://h/a?b=c\r\n"
                       "Content-Type: text/plain\r\n"
                       "# between\n"
                       "  x-case :  Kept: too  \n"
                       "x-case: again\n"
                       "@{}\n"
                       "DELETE http://h/last",
                       path("body.txt"))));
  ASSERT_EQ(targets.size(), 3U);
  EXPECT_EQ(targets[0].method, "GET");
  EXPECT_EQ(targets[0].url, "http://localhost:6789/");
  EXPECT_EQ(targets[0].headers, HeaderFields());
  EXPECT_EQ(*targets[0].body, "");
  EXPECT_EQ(targets[1].method, "POST");
  EXPECT_EQ(targets[1].url, "https://h/a?b=c");
  EXPECT_EQ(
      targets[1].headers,
      (HeaderFields{{"Content-Type", "text/plain"}, {"x-case", "Kept: too"}, {"x-case", "again"}}));
  EXPECT_EQ(*targets[1].body, "the body\n");
  EXPECT_EQ(targets[2].method, "DELETE");
}

TEST_F(HttpTargets, BeginAtARequestLineEvenWithoutABlankLine) {
  const std::vector<Target> targets = read(
      file("GET http://h/1\nGET http://h/2\nX: y\nPUT http://h/3\nDNT : 1\nHEAD http://h/4\n"));
  ASSERT_EQ(targets.size(), 4U);
  EXPECT_EQ(targets[1].headers, (HeaderFields{{"X", "y"}}));
  EXPECT_EQ(targets[2].url, "http://h/3");
  EXPECT_EQ(targets[2].headers, (HeaderFields{{"DNT", "1"}}));
}

TEST_F(HttpTargets, AreUsedInTurnForEver) {
  Result<Targets> targets = Targets::open({.path = file("GET http://h/0\nGET http://h/1\n")});
  ASSERT_TRUE(targets.has_value());
  Target room;
  EXPECT_EQ((*targets->at(5, room))->url, "http://h/1");
  EXPECT_EQ((*targets->at(std::uint64_t{1} << 63, room))->url, "http://h/0");
}

TEST_F(HttpTargets, TakeDefaultsBeforeTheirOwn) {
  file("default", "default");
  file("own", "own");
  Result<Targets> targets = Targets::open(
      {.path = file(format("GET http://h/\nA: own\n\nGET http://h/\n@{}\n", path("own"))),
       .body_path = path("default"),
       .headers = {{"A", "default"}, {"a", "second"}}});
  ASSERT_TRUE(targets.has_value());
  const std::vector<Target> all = all_of(*targets);
  EXPECT_EQ(all[0].headers, (HeaderFields{{"A", "default"}, {"a", "second"}, {"A", "own"}}));
  EXPECT_EQ(*all[0].body, "default");
  EXPECT_EQ(all[1].headers, (HeaderFields{{"A", "default"}, {"a", "second"}}));
  EXPECT_EQ(*all[1].body, "own");
}

TEST_F(HttpTargets, ShareTheTextOfOneBodyFile) {
  file("x", "body");
  const std::string target = format("POST http://h/\n@{}\n", path("body"));
  const std::vector<Target> targets = read(file(target + target));
  EXPECT_EQ(targets[0].body, targets[1].body);
}

TEST_F(HttpTargets, SayWhatIsWrongAndWhere) {
  const auto error = [this](const std::string& text) {
    return error_of({.path = file("\nGET http://h/\n" + text)});
  };
  const std::string where = format(" (line 3 of {})", path("targets"));
  EXPECT_EQ(error("X-Y\n"), "bad header: X-Y: write it as Name: value" + where);
  EXPECT_EQ(error("x Y: z\n"), "bad header: x Y: z: 'x Y' is no name of a header" + where);
  EXPECT_EQ(error(": z\n"), "bad header: : z: '' is no name of a header" + where);
  EXPECT_EQ(error("X:\n"), "bad header: X:: no value" + where);
  EXPECT_EQ(error("GET /relative\n"),
            "bad URL: /relative, not of the form http://HOST/ or https://HOST/" + where);
  EXPECT_EQ(error("@/nowhere/at/all\n"),
            "bad body: cannot open /nowhere/at/all: No such file or directory" + where);
  const std::string fourth = format(" (line 4 of {})", path("targets"));
  EXPECT_EQ(error("\nX: y\n"), "bad method: X:" + fourth);
  EXPECT_EQ(error("\nget http://h/\n"), "bad method: get" + fourth);
  EXPECT_EQ(error("\nGET\n"), "bad target: GET" + fourth);
}

TEST_F(HttpTargets, MustExist) {
  EXPECT_EQ(error_of({.path = file("\n# nothing\n")}), "no targets to attack");
  EXPECT_EQ(error_of({.path = path("none")}),
            format("cannot open {}: No such file or directory", path("none")));
  EXPECT_EQ(error_of({.path = file("GET http://h/\n"), .body_path = path("none")}),
            format("bad body: cannot open {}: No such file or directory", path("none")));
}

TEST_F(HttpTargets, MayHaveLinesUpToALimit) {
  const std::string start = "GET http://h/";
  const std::string most(LineReader::kLineBytesMax - start.size(), 'x');
  EXPECT_EQ(read(file(start + most + "\n")).size(), 1U);
  EXPECT_EQ(read(file(start + most)).size(), 1U);
  const std::string error = format("a line of more than 16 MiB (line 1 of {})", path("targets"));
  EXPECT_EQ(error_of({.path = file(start + most + "x\n")}), error);
  EXPECT_EQ(error_of({.path = file(start + most + "x")}), error);
}

TEST_F(HttpTargets, MayBeAHundredThousand) {
  std::string text;
  for (int i = 0; i < 100'000; ++i)
    text += format("GET http://localhost:8000/item/{}\nX-Item: {}\n\n", i, i);
  const std::vector<Target> targets = read(file(text));
  ASSERT_EQ(targets.size(), 100'000U);
  EXPECT_EQ(targets.back().url, "http://localhost:8000/item/99999");
  EXPECT_EQ(targets.back().headers[0].second, "99999");
}

using JsonTargets = TargetsTest;

TEST_F(JsonTargets, AreReadInAllTheirParts) {
  Result<Targets> targets = Targets::open(
      {.path = file(R"({"method":"GET","url":"http://h/0"})"
                    "\n\n"
                    R"({"url":"https://h/1","more":{"x":[1]},"method":"POST","body":"aGk=",)"
                    R"("header":{"x-B":["1","2"],"a":[""]}})"
                    "\r\n"
                    R"({"method":"PUT","url":"http://h/2","body":null,"header":null})"),
       .format = TargetOptions::Format::kJson,
       .headers = {{"D", "d"}}});
  ASSERT_TRUE(targets.has_value()) << targets.error().message;
  const std::vector<Target> all = all_of(*targets);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].method, "GET");
  EXPECT_EQ(all[0].url, "http://h/0");
  EXPECT_EQ(*all[0].body, "");
  EXPECT_EQ(all[1].headers, (HeaderFields{{"D", "d"}, {"x-B", "1"}, {"x-B", "2"}, {"a", ""}}));
  EXPECT_EQ(*all[1].body, "hi");
  EXPECT_EQ(all[2].method, "PUT");
  EXPECT_EQ(all[2].headers, (HeaderFields{{"D", "d"}}));
}

TEST_F(JsonTargets, SayWhatIsWrongAndWhere) {
  const auto error = [this](const std::string& text) {
    return error_of({.path = file("\n" + text), .format = TargetOptions::Format::kJson});
  };
  const std::string where = format(" (line 2 of {})", path("targets"));
  EXPECT_EQ(error(R"({"url":"http://h/"})"), "target: required method is missing" + where);
  EXPECT_EQ(error(R"({"method":"GET"})"), "target: required url is missing" + where);
  EXPECT_EQ(error(R"({"method":"G T","url":"http://h/"})"), "bad method: G T" + where);
  EXPECT_EQ(error(R"({"method":"GET","url":"h"})"),
            "bad URL: h, not of the form http://HOST/ or https://HOST/" + where);
  EXPECT_EQ(error(R"({"method":"GET","url":"http://h/","body":"aGk"})"),
            "bad body: not base64" + where);
  EXPECT_EQ(error(R"({"method":"GET","url":"http://h/","body":1})"),
            "bad body: not base64" + where);
  EXPECT_EQ(error(R"({"method":"GET","url":"http://h/","header":{"X":"y"}})"),
            "bad header: X: not an array of texts" + where);
  EXPECT_EQ(error(R"({"method":"GET","url":"http://h/","header":{"X":["a\r\nY: b"]}})"),
            "bad header: X: control characters in its value" + where);
  EXPECT_EQ(error("GET http://h/"), "bad target: not a JSON object in one line" + where);
  EXPECT_EQ(error("[]"), "bad target: not a JSON object in one line" + where);
}

TEST_F(JsonTargets, MayBeAHundredThousand) {
  std::string text;
  for (int i = 0; i < 100'000; ++i)
    text += format("{{\"method\":\"GET\",\"url\":\"http://localhost:8000/item/{}\"}}\n", i);
  Result<Targets> targets =
      Targets::open({.path = file(text), .format = TargetOptions::Format::kJson});
  ASSERT_TRUE(targets.has_value());
  ASSERT_EQ(targets->size(), 100'000U);
  Target room;
  EXPECT_EQ((*targets->at(99'999, room))->url, "http://localhost:8000/item/99999");
}

using LazyTargets = TargetsTest;

TEST_F(LazyTargets, AreReadOneByOneUntilTheEnd) {
  Result<Targets> targets =
      Targets::open({.path = file("GET http://h/0\nGET http://h/1\n"), .lazy = true});
  ASSERT_TRUE(targets.has_value());
  EXPECT_EQ(targets->size(), 0U);
  Target room;
  EXPECT_EQ((*targets->at(7, room))->url, "http://h/0");
  EXPECT_EQ((*targets->at(7, room))->url, "http://h/1");
  EXPECT_EQ(*targets->at(7, room), nullptr);
  EXPECT_EQ(*targets->at(7, room), nullptr);
}

TEST_F(LazyTargets, MustExist) {
  Result<Targets> targets = Targets::open({.path = file(""), .lazy = true});
  ASSERT_TRUE(targets.has_value());
  Target room;
  EXPECT_EQ(targets->at(0, room).error().message, "no targets to attack");
}

TEST_F(LazyTargets, EndAtABadLineForAll) {
  Result<Targets> targets =
      Targets::open({.path = file("GET http://h/0\n\nbad\nGET http://h/1\n"), .lazy = true});
  ASSERT_TRUE(targets.has_value());
  Target room;
  EXPECT_TRUE(targets->at(0, room).has_value());
  const std::string error = format("bad target: bad (line 3 of {})", path("targets"));
  EXPECT_EQ(targets->at(1, room).error().message, error);
  EXPECT_EQ(targets->at(2, room).error().message, error);
}

TEST_F(LazyTargets, ComeFromAPipeAsTheyAreWritten) {
  const std::string pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::atomic<bool> first_read = false;
  std::jthread writer([&] {
    std::ofstream out(pipe);
    out << "GET http://h/0\n\n" << std::flush;
    first_read.wait(false);
    out << "GET http://h/1\n\n";
  });
  Result<Targets> targets = Targets::open({.path = pipe, .lazy = true});
  Target room;
  EXPECT_EQ((*targets->at(0, room))->url, "http://h/0");
  first_read = true;
  first_read.notify_one();
  EXPECT_EQ((*targets->at(1, room))->url, "http://h/1");
  EXPECT_EQ(*targets->at(2, room), nullptr);
}

TEST_F(LazyTargets, EndWhenTheyAreStopped) {
  const std::string pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const Fd both_ends(::open(pipe.c_str(), O_RDWR | O_CLOEXEC));
  std::array<int, 2> stop{};
  ASSERT_EQ(::pipe(stop.data()), 0);
  const Fd stop_read(stop[0]);
  Fd stop_write(stop[1]);
  Result<Targets> targets = Targets::open({.path = pipe, .lazy = true, .stop = stop_read.get()});
  ASSERT_TRUE(targets.has_value());
  std::jthread stopper([&] { stop_write.reset(); });
  Target room;
  EXPECT_EQ(targets->at(0, room).value(), nullptr);
}

TEST_F(LazyTargets, GoToManyThreadsOnceEach) {
  constexpr int kTargets = 20'000;
  std::string text;
  for (int i = 0; i < kTargets; ++i)
    text += format("GET http://h/{}\n", i);
  Result<Targets> targets = Targets::open({.path = file(text), .lazy = true});
  std::array<std::atomic<int>, kTargets> seen{};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        Target room;
        while (const Target* target = targets->at(0, room).value())
          ++seen[std::stoul(target->url.substr(std::string_view("http://h/").size()))];
      });
    }
  }
  for (const std::atomic<int>& count : seen)
    EXPECT_EQ(count, 1);
}

TEST(Targets, OfTheCorpusKeepTheirPromises) {
  std::size_t count = 0;
  const std::size_t inputs =
      replay_corpus("targets", [&](const std::string& input) { count += check_targets(input); });
  EXPECT_GE(inputs, 20U);
  EXPECT_GE(count, 8U) << "some of the corpus is right";
}

}  // namespace
}  // namespace forebay::load
