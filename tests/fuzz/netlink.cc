// What the kernel answers and announces over rtnetlink. The first octet says whether the rest is a
// datagram as it came, or one message whose length is set right, so that mutations reach its
// attributes.
#include <linux/rtnetlink.h>

#include <cstring>

#include "platform/netlink_messages.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;
using namespace godwit::platform;

namespace {

constexpr std::size_t kDatagramMax = 32 * 1024;

// What was read and then written reads the same.
template <class T, class Write, class Read>
void comes_back(const T& value, Write write, Read read) {
  const Message message = write(0, 0, value);
  const auto again = read(nlmsg_hdr(message.get()));
  FUZZ_REQUIRE(again.has_value() && *again == value);
}

void read_all(nlmsghdr* header, std::size_t datagram) {
  if (const auto error = read_error(header)) FUZZ_REQUIRE(*error >= 0 && *error <= 4095);
  if (const auto link = read_link(header)) {
    FUZZ_REQUIRE(link->name.size() < datagram);
    FUZZ_REQUIRE(link->name.find('\0') == std::string::npos);
    static_cast<void>(is_tun(header, link->index));
  }
  if (const auto address = read_address(header)) {
    FUZZ_REQUIRE(address->length >= 0 && address->length <= address->address.bits());
    FUZZ_REQUIRE(!address->to_string().empty());
    comes_back(*address, address_message, read_address);
  }
  if (const auto route = read_route(header)) {
    FUZZ_REQUIRE(!route->to_string().empty());
    if (route->kind != RouteKind::kOther) comes_back(*route, route_message, read_route);
  }
  if (const auto rule = read_rule(header)) {
    FUZZ_REQUIRE(!rule->to_string().empty());
    comes_back(*rule, rule_message, read_rule);
  }
  if (const auto change = read_change(header)) {
    FUZZ_REQUIRE(change->kind != LinkChange::Kind::kOverrun);
    FUZZ_REQUIRE(change->name.size() < datagram);
    FUZZ_REQUIRE(change->table != RT_TABLE_LOCAL);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + sizeof(nlmsghdr) || size > kDatagramMax) return 0;
  ByteVec datagram(data + 1, data + size);  // exact, and aligned as the system's buffers are
  if ((data[0] & 1) != 0) {
    const auto length = static_cast<std::uint32_t>(datagram.size());
    std::memcpy(datagram.data(), &length, sizeof length);
  }
  std::size_t messages = 0;
  for_each_message(datagram, [&](nlmsghdr* header) {
    const auto at =
        static_cast<std::size_t>(reinterpret_cast<std::uint8_t*>(header) - datagram.data());
    FUZZ_REQUIRE(header->nlmsg_len >= sizeof(nlmsghdr));
    FUZZ_REQUIRE(at + header->nlmsg_len <= datagram.size());
    read_all(header, datagram.size());
    ++messages;
    return true;
  });
  FUZZ_REQUIRE(messages <= datagram.size() / sizeof(nlmsghdr));
  return 0;
}
