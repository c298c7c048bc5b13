// Names of numbers: what a user reads when a gateway refuses.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "core/ike/wire/constants.h"

using namespace godwit::ike;

TEST_CASE("RFC 2408 3.14.1: every notify has a name of its own, and unknown ones have none") {
  std::set<std::string_view> names;
  std::size_t errors = 0;
  std::size_t named = 0;
  for (std::uint32_t number = 0; number <= 0xffff; ++number) {
    const Notify type{static_cast<std::uint16_t>(number)};
    CHECK_EQ(is_error(type), number >= 1 && number <= 16383);
    if (name(type).empty()) continue;
    ++named;
    errors += is_error(type) ? 1u : 0u;
    names.insert(name(type));
  }
  CHECK(named == 30);
  CHECK(errors == 23);
  CHECK(names.size() == named);
  CHECK(name(Notify::kNoProposalChosen) == "NO-PROPOSAL-CHOSEN");
  CHECK(name(Notify::kInvalidIdInformation) == "INVALID-ID-INFORMATION");
  CHECK(name(Notify::kAuthenticationFailed) == "AUTHENTICATION-FAILED");
  CHECK(name(Notify::kInitialContact) == "INITIAL-CONTACT");
  CHECK(name(Notify::kDpdRUThere) == "R-U-THERE");
}

TEST_CASE("ISK-06: the payload types of a message have names; P and T are parts of SA only") {
  std::set<std::string_view> names;
  std::size_t known = 0;
  for (unsigned number = 0; number <= 0xff; ++number) {
    const PayloadType type{static_cast<std::uint8_t>(number)};
    if (!is_known(type)) continue;
    ++known;
    names.insert(name(type));
  }
  CHECK(known == 17);
  CHECK(names.size() == known);
  CHECK_FALSE(is_known(PayloadType::kNone));
  CHECK_FALSE(is_known(PayloadType::kProposal));
  CHECK_FALSE(is_known(PayloadType::kTransform));
  CHECK(name(PayloadType::kProposal) == "P");
  CHECK(name(PayloadType::kTransform) == "T");
}
