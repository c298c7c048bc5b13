// Decrypt, then decode: the input is what a peer with our keys would have encrypted, so the
// mutations reach the payloads of Quick Mode, Transaction and Informational Exchanges.
#include "core/crypto/cbc.h"
#include "core/ike/v1/isakmp_sa.h"
#include "tests/fuzz/decode_all.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;

namespace {

const ike::v1::IsakmpSa& known_sa() {
  static const ike::v1::IsakmpSa sa = [] {
    ByteVec secret(32, 0x5a);
    return ike::v1::IsakmpSa(
        Cookie{1}, Cookie{2},
        ike::v1::derive_phase1_keys(crypto::HashAlg::kSha256, {128}, SecretBytes::copy_of(secret),
                                    secret, Cookie{1}, Cookie{2}));
  }();
  return sa;
}

}  // namespace

// Octet 0: exchange; octet 1: first payload; the rest: the plaintext behind the HASH payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > limits::kIkeMessageMax) return 0;
  constexpr ike::Exchange kExchanges[] = {ike::Exchange::kQuick, ike::Exchange::kTransaction,
                                          ike::Exchange::kInformational};
  static const ike::v1::IsakmpSa& sa = known_sa();
  constexpr MessageId id{7};
  ByteVec plain(data + 2, data + size);
  plain.resize((plain.size() + 15) / 16 * 16);
  if (plain.empty()) return 0;
  static const ike::v1::Iv iv = sa.iv_for(id);
  crypto::cbc_encrypt(sa.keys().cipher_key.expose(), iv, plain);
  ike::Header header = sa.header(kExchanges[data[0] % 3], id);
  header.first = static_cast<ike::PayloadType>(data[1]);
  const ByteVec message = ike::encode_message(header, plain);

  const auto decoded = ike::decode_header(message);
  FUZZ_REQUIRE(decoded.has_value());
  const auto opened = sa.open(*decoded, message, iv);
  if (!opened) return 0;
  fuzz::decode_all(opened->payloads);
  static_cast<void>(sa.verify_hash(*opened));
  Counters counters;
  static_cast<void>(ike::v1::read_informational(sa, *opened, counters));
  return 0;
}
