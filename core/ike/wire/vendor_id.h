// Vendor IDs (RFC 2408 3.16): what a peer says it is and can do. Unknown ones are ignored (ISK-29).
#pragma once

#include <optional>
#include <string_view>

#include "core/base/bytes.h"

namespace godwit::ike {

enum class Vendor : std::uint8_t {
  kNattRfc3947,
  kNattDraft00,
  kNattDraft01,
  kNattDraft02,
  kNattDraft02n,  // with the newline that the draft prints
  kNattDraft03,
  kNattDraft04,
  kNattDraft05,
  kNattDraft06,
  kNattDraft07,
  kNattDraft08,
  kNattDraft09,
  kNattDraftXxxx,  // what drafts 04 to 08 print: the number of the RFC to come
  kNattDraft,      // without a number
  kNattTesting,
  kNattStenberg01,
  kNattStenberg02,
  kNattHuttunen,
  kNattSafeNet,
  kXauth,
  kDpd,
  kUnity,
  kFragmentation,
  kCiscoVpn3000,
  kMicrosoft,
  kStrongSwan,
  kRacoon,
  kFortigate,
  kCheckPoint,
  kNetscreen,
  kSonicWall,
  kZyxel,
  kNetgear,
};

std::optional<Vendor> recognise_vendor(Bytes body);  // exact or by the prefix the vendor defines
std::string_view name(Vendor vendor);
bool is_maker(Vendor vendor);        // names who made the peer, and no ability
Bytes vendor_octets(Vendor vendor);  // what we send; only for those we do send

}  // namespace godwit::ike
