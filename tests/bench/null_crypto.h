// Frames packets as ESP and touches nothing: what is left is the cost of moving them.
#pragma once

#include <memory>

#include "core/crypto/esp_crypto.h"

namespace godwit::bench {

class NullProtector final : public crypto::EspProtector {
 public:
  void seal(std::span<crypto::EspPacket> /*batch*/) override {}
  void open(std::span<crypto::EspPacket> batch) override {
    for (crypto::EspPacket& packet : batch) packet.ok = true;
  }
  std::string_view backend() const override { return "none"; }
};

inline crypto::EspCrypto null_crypto() {
  return crypto::EspCrypto::made_by(
      [](const crypto::EspSuite&) -> std::unique_ptr<crypto::EspProtector> {
        return std::make_unique<NullProtector>();
      });
}

}  // namespace godwit::bench
