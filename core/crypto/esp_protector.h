// Protection of ESP packets in batches: the one interface behind which a crypto library stands.
// Packets are whole ESP packets in place: SPI(4) sequence(4) IV payload pad padlen next-header ICV.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/secret.h"
#include "core/crypto/suite.h"

namespace godwit::crypto {

struct EspPacket {
  MutBytes bytes;              // from the SPI to the end of the ICV
  std::uint64_t sequence = 0;  // seal: 64 bits; the low 32 stand in the packet, IVs derive from it
  bool ok = false;             // open: the ICV verified and the payload is plain
};

// One direction of one SA. Not shared between threads. No allocation after construction.
class EspProtector {
 public:
  EspProtector() = default;
  EspProtector(const EspProtector&) = delete;
  EspProtector& operator=(const EspProtector&) = delete;
  virtual ~EspProtector() = default;

  // The caller has written SPI, sequence number, payload, padding and trailer; seal() writes IV and
  // ICV. CBC IVs are unpredictable (RFC 3602 3), GCM IVs are the sequence number (RFC 4106 3.1).
  virtual void seal(std::span<EspPacket> batch) = 0;

  // Verifies, in constant time, then decrypts. A packet that is too short, has no whole blocks or a
  // wrong ICV comes back with ok == false and its payload must not be looked at.
  virtual void open(std::span<EspPacket> batch) = 0;

  virtual std::string_view backend() const = 0;  // "mbedtls", "libipsec-mb avx512"
};

// With mbedTLS, which every build and every CPU have. `keymat` holds suite.keymat_size() octets;
// `iv_key` 16 random octets from which CBC IVs are made. EspCrypto::make chooses a faster one.
std::unique_ptr<EspProtector> make_esp_protector(const EspSuite& suite, const SecretBytes& keymat,
                                                 const Secret<16>& iv_key);

}  // namespace godwit::crypto
