// What some gateways do that no RFC allows, or that another gateway does not do: named switches,
// thrown by the gateway's vendor ID or by the profile.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ike/wire/vendor_id.h"

namespace godwit::ike::v1 {

struct Quirks {
  // The sixth message of Main Mode may come in the clear. What it leaks, an ID and a hash from
  // which the pre-shared key may be guessed, has leaked when it arrives; HASH_R is checked all the
  // same. SonicWall does it (strongSwan's accept_unencrypted_mainmode_messages).
  bool plain_main6 = false;

  friend bool operator==(const Quirks&, const Quirks&) = default;
};

struct QuirkRow {
  std::string_view name;
  bool Quirks::*flag;
  std::vector<Vendor> makers;  // whose vendor ID throws the switch
};
const std::vector<QuirkRow>& quirk_table();

Quirks quirks_of(std::optional<Vendor> maker);
// The switches of these names; a name that is none says nothing.
Quirks quirks_named(const std::vector<std::string>& names);
std::vector<std::string_view> names_of(const Quirks& quirks);

}  // namespace godwit::ike::v1
