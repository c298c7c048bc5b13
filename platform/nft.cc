#include "platform/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <array>
#include <memory>
#include <optional>

#include "platform/netlink_messages.h"
#include "platform/program.h"

namespace godwit::platform {
namespace {

constexpr std::uint8_t kFamilyInet = 1;  // NFPROTO_INET

void put_set(nl_msg* message, const std::string& table, const std::string& set) {
  nla_put_string(message, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
  nla_put_string(message, NFTA_SET_ELEM_LIST_SET, set.c_str());
}

void put_element(nl_msg* message, Bytes octets, std::chrono::milliseconds span) {
  nlattr* const elements = nla_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
  nlattr* const element = nla_nest_start(message, NFTA_LIST_ELEM | NLA_F_NESTED);
  nlattr* const key = nla_nest_start(message, NFTA_SET_ELEM_KEY | NLA_F_NESTED);
  nla_put(message, NFTA_DATA_VALUE, static_cast<int>(octets.size()), octets.data());
  nla_nest_end(message, key);
  if (span.count() > 0) {
    std::array<std::uint8_t, 8> timeout{};
    store_be(timeout, static_cast<std::uint64_t>(span.count()));
    nla_put(message, NFTA_SET_ELEM_TIMEOUT, static_cast<int>(timeout.size()), timeout.data());
  }
  nla_nest_end(message, element);
  nla_nest_end(message, elements);
}

}  // namespace

Result<void, SysError> run_nft(const std::string& script) {
  const int status =
      GODWIT_TRY(run_program({{"nft", "-f", "-"}, {}, std::chrono::milliseconds(10'000), script}));
  if (status == 0) return {};
  return fail(SysError{"run", status == 127 ? ENOENT : EPROTO, "nft"});
}

NftBatch::NftBatch() { add(NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0, {}); }

void NftBatch::delete_table(const std::string& table) {
  add_change(NFT_MSG_DELTABLE, 0,
             [&](nl_msg* message) { nla_put_string(message, NFTA_TABLE_NAME, table.c_str()); });
}

void NftBatch::empty_set(const std::string& table, const std::string& set) {
  // Without elements: all of them.
  add_change(NFT_MSG_DELSETELEM, 0, [&](nl_msg* message) { put_set(message, table, set); });
}

void NftBatch::add_element(const std::string& table, const std::string& set, Bytes key,
                           std::chrono::milliseconds timeout) {
  add_change(NFT_MSG_NEWSETELEM, NLM_F_CREATE, [&](nl_msg* message) {
    put_set(message, table, set);
    put_element(message, key, timeout);
  });
}

Result<void, SysError> NftBatch::send(const char* op, const std::string& table) {
  const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(),
                                                                   &nl_socket_free);
  if (!socket) return fail(SysError{op, ENOMEM, table});
  if (nl_connect(socket.get(), NETLINK_NETFILTER) < 0) return fail(last_error(op, table));
  add(NFNL_MSG_BATCH_END, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0, {});
  if (nl_sendto(socket.get(), octets_.data(), octets_.size()) < 0) {
    return fail(last_error(op, table));
  }
  while (true) {
    sockaddr_nl from{};
    unsigned char* buffer = nullptr;
    const int size = nl_recv(socket.get(), &from, &buffer, nullptr);
    if (size <= 0) return fail(SysError{op, size == 0 ? EAGAIN : errno, table});
    const std::unique_ptr<unsigned char, decltype(&::free)> owner(buffer, &::free);
    std::optional<int> error;
    bool done = false;
    for_each_message({buffer, static_cast<std::size_t>(size)}, [&](nlmsghdr* header) {
      error = read_error(header);
      done = error && (*error != 0 || header->nlmsg_seq == last_);
      return !done;
    });
    if (!done) continue;
    if (*error != 0) return fail(SysError{op, *error, table});
    return {};
  }
}

void NftBatch::add_change(int type, int flags, const Fill& fill) {
  add((NFNL_SUBSYS_NFTABLES << 8) | type, kFamilyInet, 0, flags | NLM_F_ACK, fill);
  last_ = sequence_;
}

void NftBatch::add(int type, std::uint8_t family, std::uint16_t resource, int flags,
                   const Fill& fill) {
  const Message message = make_message(type, flags);
  nlmsg_hdr(message.get())->nlmsg_seq = ++sequence_;
  const nfgenmsg fixed{family, NFNETLINK_V0, htons(resource)};
  nlmsg_append(message.get(), const_cast<nfgenmsg*>(&fixed), sizeof fixed, NLMSG_ALIGNTO);
  if (fill) fill(message.get());
  const auto* octets = reinterpret_cast<const std::uint8_t*>(nlmsg_hdr(message.get()));
  octets_.insert(octets_.end(), octets, octets + NLMSG_ALIGN(nlmsg_hdr(message.get())->nlmsg_len));
}

}  // namespace godwit::platform
