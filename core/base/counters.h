// Every input that leads nowhere is counted under one reason, and each reason has a sentence that
// `status` can show. Nothing here is logged per packet.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace godwit {

// Name, slug in JSON, sentence. Sorted by the layer that notices.
// clang-format off
#define GODWIT_DROPS(X)                                                                          \
  /* datagrams */                                                                                \
  X(kKeepalive, "keepalive", "a NAT keepalive of the peer (RFC 3948 2.3)")                       \
  X(kRunt, "runt", "a datagram too short to be IKE or ESP")                                      \
  X(kWrongPort, "wrong-port", "an IKE message on the port the exchange has left")                \
  X(kTooLarge, "too-large", "a message above the size limit")                                    \
  /* ISAKMP framing */                                                                           \
  X(kTruncated, "truncated", "a message that ends before its fields do")                         \
  X(kBadLength, "bad-length", "a length field that contradicts the message")                     \
  X(kBadVersion, "bad-version", "another major version of IKE")                                  \
  X(kBadExchange, "bad-exchange", "an exchange type that does not exist")                        \
  X(kBadFlags, "bad-flags", "flag bits that do not exist, or encryption where none is due")      \
  X(kNotEncrypted, "not-encrypted", "a plaintext message where encryption is due")               \
  X(kBadMessageId, "bad-message-id", "a message ID that does not fit the exchange")              \
  X(kUnknownCookies, "unknown-cookies", "cookies of no SA of ours")                              \
  X(kReflected, "reflected", "our own message, sent back to us")                                 \
  X(kRetransmission, "retransmission", "a copy of a message already handled")                    \
  X(kBadPayloadType, "bad-payload-type", "a payload type that does not exist in this version")   \
  X(kTooManyPayloads, "too-many-payloads", "more payloads than a message may hold")              \
  X(kBadReserved, "bad-reserved", "a reserved field that is not zero (a sign of a wrong key)")   \
  X(kMalformed, "malformed", "a payload whose content contradicts its RFC")                      \
  X(kMissingPayload, "missing-payload", "a message without a payload it must hold")              \
  X(kDuplicatePayload, "duplicate-payload", "a payload twice that may occur once")               \
  X(kUnexpectedPayload, "unexpected-payload", "a payload that has no place in this message")     \
  X(kUnexpectedMessage, "unexpected-message", "a message that the exchange does not wait for")   \
  X(kBadCiphertext, "bad-ciphertext", "ciphertext that is empty or no multiple of a block")      \
  X(kBadHash, "bad-hash", "a message whose HASH does not verify")                                \
  X(kPlaintextNotify, "plaintext-notify", "an unauthenticated notification: a hint, no more")    \
  X(kUnknownNotify, "unknown-notify", "an authenticated notification without meaning for us")    \
  X(kEspFragment, "esp-fragment", "a piece of an ESP packet, which is never put together")         \
  X(kBadRedirect, "bad-redirect", "a redirect to no other gateway that could be tried")          \
  X(kStaleDpd, "stale-dpd", "a DPD message whose sequence number is not the expected one")       \
  X(kRateLimited, "rate-limited", "more of these from the peer than we answer")                  \
  X(kUnknownSpi, "unknown-spi", "an SPI of no SA of ours")                                       \
  X(kBadFragment, "bad-fragment", "a fragment of IKE that fits no message")                      \
  /* ESP inbound */                                                                              \
  X(kEspTooShort, "esp-too-short", "an ESP packet shorter than its fixed fields")                \
  X(kReplay, "replay", "a sequence number seen before or older than the window")                 \
  X(kBadTag, "bad-tag", "an ESP packet whose integrity check failed")                            \
  X(kBadPadding, "bad-padding", "ESP padding that is not 1, 2, 3, ...")                          \
  X(kBadNextHeader, "bad-next-header", "an ESP next header that a tunnel does not carry")        \
  X(kDummy, "dummy", "an ESP dummy packet (RFC 4303 2.6)")                                       \
  X(kBadInner, "bad-inner", "an inner packet that is no valid IP packet")                        \
  X(kInnerAddress, "inner-address", "an inner packet outside the negotiated selectors")          \
  X(kEcnDropped, "ecn-dropped", "congestion was signalled on a packet that cannot say so")       \
  /* outbound */                                                                                 \
  X(kNoSa, "no-sa", "a packet from this machine with no SA to carry it")                         \
  X(kOutsideSelectors, "outside-selectors", "a packet from this machine outside the selectors")  \
  X(kSequenceExhausted, "sequence-exhausted", "an SA that has used all its sequence numbers")    \
  X(kTooBig, "too-big", "a packet from this machine above the tunnel's MTU")                     \
  X(kSendFailed, "send-failed", "a datagram the system did not take")                            \
  /* control */                                                                                  \
  X(kNotReady, "not-ready", "an event that the session does not wait for")
// clang-format on

enum class Drop : std::uint8_t {
#define GODWIT_X(name, slug, sentence) name,
  GODWIT_DROPS(GODWIT_X)
#undef GODWIT_X
      kCount
};

inline constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::kCount);

std::string_view slug(Drop reason);
std::string_view sentence(Drop reason);

// How often each Drop happened, and how many inputs led somewhere: every input is one or the other.
// One owner per object; add() merges another owner's.
class Counters {
 public:
  void drop(Drop reason) { ++counts_[static_cast<std::size_t>(reason)]; }
  std::uint64_t of(Drop reason) const { return counts_[static_cast<std::size_t>(reason)]; }
  std::uint64_t total() const;  // of the drops
  void accept() { ++accepted_; }
  std::uint64_t accepted() const { return accepted_; }
  void add(const Counters& other);

 private:
  std::array<std::uint64_t, kDropCount> counts_{};
  std::uint64_t accepted_ = 0;
};

}  // namespace godwit
