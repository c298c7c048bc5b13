// Protection of messages by an ISAKMP SA: encryption with running IVs (RFC 2409 appendix B) and the
// HASH payloads of phase 2 (RFC 2409 5.5, 5.7). It holds keys, not the state of any exchange.
#pragma once

#include <optional>

#include "core/base/counters.h"
#include "core/base/result.h"
#include "core/ike/v1/keys.h"
#include "core/ike/wire/encode.h"
#include "core/ike/wire/message.h"

namespace godwit::ike::v1 {

// A decrypted message. Payloads are views into `plain`; moving keeps them valid.
struct Opened {
  Header header;
  ByteVec plain;
  Payloads payloads;
  Iv next_iv{};  // to be believed only when the message was accepted (RFC 2409 10, ISK-24)
};

class IsakmpSa {
 public:
  IsakmpSa(Cookie initiator, Cookie responder, Phase1Keys keys)
      : initiator_(initiator), responder_(responder), keys_(std::move(keys)) {}

  Cookie initiator() const { return initiator_; }
  Cookie responder() const { return responder_; }
  const Phase1Keys& keys() const { return keys_; }

  // The last ciphertext block of phase 1: the root of every phase-2 IV.
  void set_last_phase1_block(const Iv& block) { last_phase1_block_ = block; }
  Iv iv_for(MessageId id) const { return phase2_iv(keys_, last_phase1_block_, id); }

  Header header(Exchange exchange, MessageId id) const;

  // Pads, encrypts and moves `iv` to the last ciphertext block.
  ByteVec seal(const Header& header, const ChainBuilder& chain, Iv& iv) const;
  // Decrypts; changes nothing. kNotEncrypted, kBadCiphertext or what decode_payloads() says.
  Result<Opened, Drop> open(const Header& header, Bytes message, const Iv& iv) const;

  // A message that starts with HASH(1) = prf(SKEYID_a, M-ID | rest): Transaction, Informational and
  // the first message of Quick Mode.
  ByteVec seal_hashed(Exchange exchange, MessageId id, const ChainBuilder& rest, Iv& iv) const;
  // True when `opened` starts with such a HASH. `before_rest` is inserted between M-ID and the
  // rest: Ni_b for HASH(2) of Quick Mode.
  bool verify_hash(const Opened& opened, Bytes before_rest = {}) const;
  crypto::Digest message_hash(MessageId id, Bytes before_rest, Bytes rest) const;

 private:
  Cookie initiator_;
  Cookie responder_;
  Phase1Keys keys_;
  Iv last_phase1_block_{};
};

}  // namespace godwit::ike::v1
