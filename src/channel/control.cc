#include "channel/control.h"

#include <array>

#include "base/packet.h"

namespace forebay::channel {

Result<void> send_control(int socket, const ControlHeader& header, std::string_view text, int fd) {
  text = text.substr(0, kControlTextMax);
  ControlHeader copy = header;
  const std::array<iovec, 2> parts{
      {{&copy, sizeof(copy)}, {const_cast<char*>(text.data()), text.size()}}};
  return send_packet(socket, parts, fd);
}

Result<std::optional<ControlMessage>> receive_control(int socket, std::span<char> buffer) {
  ControlMessage result;
  const std::array<iovec, 2> parts{
      {{&result.header, sizeof(result.header)}, {buffer.data(), buffer.size()}}};
  Result<std::optional<Packet>> packet = receive_packet(socket, parts);
  if (!packet) {
    return std::unexpected(packet.error());
  }
  if (!*packet) {
    return std::nullopt;
  }
  const std::size_t bytes = (*packet)->bytes;
  if (bytes < sizeof(ControlHeader)) {
    return fail(bytes == 0 ? "the control socket's peer is gone" : "not a control message");
  }
  result.fd = std::move((*packet)->fd);
  result.text = {buffer.data(), bytes - sizeof(ControlHeader)};
  return result;
}

}  // namespace forebay::channel
