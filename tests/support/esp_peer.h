// The gateway's end of an SA for tests. It makes ESP packets with any sequence number, trailer and
// payload, so a test can tell every lie; nothing of core/esp takes part in it.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "core/crypto/esp_protector.h"
#include "core/esp/packet.h"
#include "core/esp/sa.h"

namespace godwit::test {

inline crypto::EspSuite gcm(std::uint16_t bits = 128) {
  return {crypto::EspCipher::kAesGcm16, bits, std::nullopt};
}
inline crypto::EspSuite cbc(crypto::HashAlg hash, std::uint16_t bits = 128) {
  return {crypto::EspCipher::kAesCbc, bits, hash};
}
inline std::vector<crypto::EspSuite> all_suites() {
  return {gcm(128),
          gcm(192),
          gcm(256),
          cbc(crypto::HashAlg::kSha1, 128),
          cbc(crypto::HashAlg::kSha256, 256),
          cbc(crypto::HashAlg::kSha384, 192),
          cbc(crypto::HashAlg::kSha512, 256)};
}

inline SecretBytes keymat(const crypto::EspSuite& suite, std::uint8_t seed) {
  SecretBytes out(suite.keymat_size());
  for (std::uint8_t& octet : out.fill()) octet = seed = static_cast<std::uint8_t>(seed * 5 + 17);
  return out;
}

inline esp::SaParameters parameters(const crypto::EspSuite& suite, EspSpi spi, std::uint8_t seed,
                                    esp::Selectors selectors) {
  return {spi, suite, keymat(suite, seed), Secret<16>{}, std::move(selectors)};
}

// Storage with the rooms that the data path wants around a packet.
class Buffer {
 public:
  explicit Buffer(Bytes content, std::uint8_t outer_tos = 0)
      : storage_(limits::kHeadRoom + content.size() + limits::kTailRoom, 0xcc) {
    std::copy(content.begin(), content.end(), storage_.begin() + limits::kHeadRoom);
    packet = {storage_, limits::kHeadRoom, content.size(), outer_tos};
  }

  Buffer(const Buffer&) = delete;  // `packet` points into this object's storage
  Buffer& operator=(const Buffer&) = delete;

  esp::Packet packet;
  ByteVec vec() const { return to_vec(packet.bytes()); }

 private:
  ByteVec storage_;
};

struct Trailer {
  std::optional<std::uint8_t> pad_length;  // written instead of the true one
  std::uint8_t next_header = 4;
  std::size_t tfc = 0;           // octets between the inner packet and the padding
  std::size_t extra_blocks = 0;  // of valid padding
  bool zero_padding = false;     // instead of 1, 2, 3
};

class EspPeer {
 public:
  EspPeer(const crypto::EspSuite& suite, EspSpi spi, std::uint8_t seed)
      : suite_(suite),
        spi_(spi),
        protector_(crypto::make_esp_protector(suite, keymat(suite, seed), Secret<16>{})) {}

  ByteVec seal(std::uint32_t sequence, Bytes payload, const Trailer& trailer = {}) {
    ByteVec out(8 + suite_.iv_size());
    store_be(MutBytes(out), spi_.value());
    store_be(MutBytes(out).subspan(4), sequence);
    append(out, payload);
    out.resize(out.size() + trailer.tfc, 0xaa);
    std::size_t pad = trailer.extra_blocks * suite_.block();
    while ((out.size() - 8 - suite_.iv_size() + pad + 2) % suite_.block() != 0) ++pad;
    for (std::size_t i = 1; i <= pad; ++i) {
      out.push_back(trailer.zero_padding ? std::uint8_t{0} : static_cast<std::uint8_t>(i));
    }
    out.push_back(trailer.pad_length.value_or(static_cast<std::uint8_t>(pad)));
    out.push_back(trailer.next_header);
    out.resize(out.size() + suite_.icv_size());
    crypto::EspPacket packet{out, sequence, false};
    protector_->seal({&packet, 1});
    return out;
  }

  struct Opened {
    std::uint32_t spi;
    std::uint32_t sequence;
    ByteVec inner;
    std::size_t padding;
    std::uint8_t next_header;
  };

  // Throws when the packet is not one of this SA's with right padding: the test fails.
  Opened open(ByteVec bytes) {
    crypto::EspPacket packet{bytes, 0, false};
    protector_->open({&packet, 1});
    if (!packet.ok) throw std::runtime_error("ICV");
    Opened out{};
    out.spi = load_be<std::uint32_t>(bytes);
    out.sequence = load_be<std::uint32_t>(Bytes(bytes).subspan(4));
    const Bytes body = Bytes(bytes).subspan(
        8 + suite_.iv_size(), bytes.size() - 8 - suite_.iv_size() - suite_.icv_size());
    out.next_header = body.back();
    out.padding = body[body.size() - 2];
    const Bytes padding = body.subspan(body.size() - 2 - out.padding, out.padding);
    for (std::size_t i = 0; i < padding.size(); ++i) {
      if (padding[i] != i + 1) throw std::runtime_error("padding");
    }
    out.inner = to_vec(body.first(body.size() - 2 - out.padding));
    return out;
  }

 private:
  crypto::EspSuite suite_;
  EspSpi spi_;
  std::unique_ptr<crypto::EspProtector> protector_;
};

}  // namespace godwit::test
