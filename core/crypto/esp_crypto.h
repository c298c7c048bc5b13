// Which library protects ESP packets. libipsec-mb, where the build and the CPU have it, moves a
// packet in a thirtieth of mbedTLS's time; both make the same octets, and that is checked before
// the first packet of a suite is trusted to it.
#pragma once

#include <memory>
#include <string_view>

#include "core/crypto/esp_protector.h"

namespace godwit::crypto {

// What protectors of one owner share. Copies share it too, so all protectors of one EspCrypto must
// be used by one thread at a time. Cheap to copy; protectors may outlive it.
class EspCrypto {
 public:
  static EspCrypto portable();  // mbedTLS
  static EspCrypto fastest();   // libipsec-mb for what it can do, mbedTLS for the rest
  // The caller's own, for tests and the benchmark.
  using Maker = std::unique_ptr<EspProtector> (*)(const EspSuite& suite);
  static EspCrypto made_by(Maker maker);

  // As make_esp_protector().
  std::unique_ptr<EspProtector> make(const EspSuite& suite, const SecretBytes& keymat,
                                     const Secret<16>& iv_key) const;

 private:
  class Multibuffer;  // libipsec-mb's managers

  EspCrypto() = default;
  // Nothing when the library cannot do this suite, or does not agree with mbedTLS about it.
  static std::unique_ptr<EspProtector> make_multibuffer(const std::shared_ptr<Multibuffer>& shared,
                                                        const EspSuite& suite,
                                                        const SecretBytes& keymat,
                                                        const Secret<16>& iv_key);

  std::shared_ptr<Multibuffer> multibuffer_;
  Maker maker_ = nullptr;
};

// Whether two protectors with the same keys make the same octets of packets of several sizes, open
// each other's, and refuse a damaged one.
bool agree(const EspSuite& suite, EspProtector& one, EspProtector& other);

}  // namespace godwit::crypto
