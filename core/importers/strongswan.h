// What swanctl.conf and ipsec.conf have in common: proposals, identities, and how both ends prove
// themselves, in strongSwan's words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/importers/draft.h"

namespace godwit::importers {

// "10.0.0.0/8,192.168.0.0/24": each part trimmed, none empty.
std::vector<std::string> list_of(std::string_view text);

// One proposal may name several algorithms of a kind; each combination is one of ours. A group
// behind ESP proposals means PFS. "default", "!" and what concerns IKEv2 alone are left out.
void strongswan_ike(Draft& draft, std::string_view proposals, const Place& place);
void strongswan_esp(Draft& draft, std::string_view proposals, const Place& place);

// "@vpn.example.com", "keyid:sales", "alice@example.com" as `key` and its type. A certificate's
// subject is not named in a profile.
void strongswan_id(Draft& draft, std::string_view key, std::string_view id, const Place& place);

// "4h", "3600": a lifetime; 0 is none.
void strongswan_time(Draft& draft, std::string_view key, std::string_view time, const Place& place);

struct Proofs {
  bool psk = false;
  bool certificate = false;
  bool xauth = false;
  bool gateway_signs = false;
};

// One round of authentication, as its word says.
void add_proof(Proofs& proofs, std::string_view word, bool ours);
std::string_view auth_of(const Proofs& proofs);

// The path of a file that may be named without its folder.
std::string in_folder(std::string_view file, std::string_view folder);

}  // namespace godwit::importers
