// A certificate that a peer sends, alone, behind itself as authority, pinned, and in PKCS #7: no
// octets are believed without a path or a pin.
#include <vector>

#include "core/crypto/certificate.h"
#include "core/crypto/pkcs7.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;
using namespace godwit::crypto;

namespace {

constexpr std::int64_t kNow = 1796083200;  // when those of the corpus are valid

void look(const std::vector<Bytes>& chain) {
  for (const auto policy : {Revocation::kRelaxed, Revocation::kIfUri, Revocation::kStrict}) {
    Trust nobody;
    nobody.revocation = policy;
    FUZZ_REQUIRE(!PeerCertificate::verify(chain, nobody, kNow));
    Trust itself = nobody;
    itself.authorities = {to_vec(chain.front())};
    const auto verified = PeerCertificate::verify(chain, itself, kNow);
    if (verified) FUZZ_REQUIRE((*verified)->has_subject(subject_of(chain.front())));
    Trust other = nobody;
    other.pins = {KeyPin{}};
    FUZZ_REQUIRE(!PeerCertificate::verify(chain, other, kNow));
  }
  const auto pin = pin_of(chain.front());
  if (!pin) return;
  Trust pinned;
  pinned.pins = {*pin};
  const auto verified = PeerCertificate::verify(chain, pinned, kNow);
  if (verified) FUZZ_REQUIRE(method_of(chain.front()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  look({input});
  const auto inside = certificates_of_pkcs7(input);
  FUZZ_REQUIRE(inside.size() <= 8);
  for (const Bytes one : inside) {
    FUZZ_REQUIRE(one.data() >= data && one.data() + one.size() <= data + size);
  }
  if (!inside.empty()) look(inside);
  return 0;
}
