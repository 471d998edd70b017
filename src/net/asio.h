#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

/// The vocabulary of I/O. Everything runs on one io_context per thread, so the executor's type is
/// spelled out: no type erasure on the data path.
namespace forebay::net {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
template <typename T>
using Task = asio::awaitable<T, Executor>;
using UseTask = asio::use_awaitable_t<Executor>;
/// TCP and unix sockets alike.
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;

}  // namespace forebay::net
