#include "lab/stack_files.h"

#include <fstream>

#include "base/text.h"

namespace forebay::lab {

std::string application_text() {
  return R"(import os, time

SERVICE = float(os.environ["LAB_SERVICE"])
JOURNAL = os.open(os.environ["LAB_JOURNAL"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def note(what, target="-"):
    os.write(JOURNAL, f"{what} {time.time():.6f} {os.getpid()} {target}\n".encode())


note("boot")


def application(environ, start_response):
    target = environ["PATH_INFO"]
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    note("start", target)
    time.sleep(float(environ["QUERY_STRING"] or SERVICE))
    note("end", target)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"OK\n"]
)";
}

std::string nginx_text(const NginxSite& site) {
  return format(R"(daemon off;
user root;
pid {0}/nginx.pid;
worker_processes 1;
worker_rlimit_nofile 8192;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
  uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
  upstream application {{ server {1} fail_timeout=0; }}
  server {{
    listen 127.0.0.1:{2} backlog={3};
    location / {{
      proxy_pass http://application;
      proxy_set_header Host $http_host;
      proxy_read_timeout {4}ms;
    }}
  }}
}}
)",
                site.directory, site.upstream, site.port, site.backlog,
                static_cast<std::int64_t>(site.read_timeout * 1000));
}

std::string haproxy_text(const HaproxySite& site) {
  return format(R"(global
  maxconn 4096
  no strict-limits
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
listen web
  bind 127.0.0.1:{}
  server app unix@{} maxconn {}
)",
                site.port, site.server, site.workers);
}

Result<void> write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file ? Result<void>{} : Result<void>(fail_errno("write " + path));
}

}  // namespace forebay::lab
