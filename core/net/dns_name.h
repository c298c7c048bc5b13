// DNS names as configuration: what a peer or a profile calls a domain must be one before it reaches
// a resolver (RFC 1035 2.3.1, RFC 1123 2.1; MC-13).
#pragma once

#include <string_view>

namespace godwit {

// Labels of 1..63 letters, digits, hyphens (not at the ends) and underscores, 253 octets in all; a
// trailing dot is allowed.
bool is_dns_name(std::string_view name);

}  // namespace godwit
