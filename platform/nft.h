// nf_tables in two ways: nft(8) for whole tables, which is a program to be run, and single messages
// of netlink for what a process does that may not run one any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "core/base/bytes.h"
#include "platform/sys_error.h"

struct nl_msg;

namespace godwit::platform {

// All of `script` or nothing. ENOENT when nft is not installed, EPROTO when it refuses.
Result<void, SysError> run_nft(const std::string& script);

// Changes of tables of family inet; nothing of a batch happens unless all of it does.
class NftBatch {
 public:
  NftBatch();
  void delete_table(const std::string& table);
  void empty_set(const std::string& table, const std::string& set);
  // It goes by itself after `timeout`; zero: it stays.
  void add_element(const std::string& table, const std::string& set, Bytes key,
                   std::chrono::milliseconds timeout = {});
  // ENOENT when a table or set is not there.
  Result<void, SysError> send(const char* op, const std::string& table);

 private:
  using Fill = std::function<void(nl_msg*)>;
  void add(int type, std::uint8_t family, std::uint16_t resource, int flags, const Fill& fill);
  void add_change(int type, int flags, const Fill& fill);

  ByteVec octets_;
  std::uint32_t sequence_ = 0;
  std::uint32_t last_ = 0;  // of the changes
};

}  // namespace godwit::platform
