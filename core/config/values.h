// Single values of a profile: durations, names, identities. Each either is right or says what is
// wrong with it and what to write instead.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/config/profile.h"
#include "core/config/report.h"

namespace godwit::config {

std::optional<std::int64_t> parse_integer(std::string_view text);

// "8h", "90m", "1h30m", "3600s", "7d" or a bare number of seconds.
std::optional<Duration> parse_duration(std::string_view text);
std::string duration_text(Duration duration);  // the largest unit that divides it: "8h"

// "4GiB", "500MB", or a bare number of octets; units of 1000 and of 1024.
std::optional<std::uint64_t> parse_octets(std::string_view text);
std::string octets_text(std::uint64_t octets);  // the largest unit of 1024 that divides it: "4GiB"

// RFC 1123 2.1: letters, digits and hyphens, labels of 1 to 63, 253 in all; a final dot may stand.
bool is_dns_name(std::string_view text);

// A gateway: an address a packet can be sent to, or a name.
std::optional<Fault> host_fault(std::string_view text);
std::optional<Fault> domain_fault(std::string_view text);
std::optional<Fault> interface_fault(std::string_view text);
Result<IpAddress, Fault> parse_inner_address(std::string_view text);
Result<IpAddress, Fault> parse_dns_server(std::string_view text);
Result<Prefix, Fault> parse_network(std::string_view text);

// Where a private key may be beside a PEM or DER file: on a token (RFC 7512), or in a PKCS#12 file,
// which is known by its name.
bool is_token_uri(std::string_view text);
bool is_pkcs12_name(std::string_view text);

// "sha256:" and 64 hexadecimal digits, with or without colons between the octets.
Result<crypto::KeyPin, Fault> parse_pin(std::string_view text);
std::string pin_text(const crypto::KeyPin& pin);

std::string_view revocation_word(crypto::Revocation revocation);
crypto::Revocation parse_revocation(std::string_view word);  // one of the option's

// `type` is a word of id-type: auto, ipv4, fqdn, user-fqdn, key-id (RFC 2407 4.6.2.1).
Result<Identity, Fault> parse_identity(std::string_view text, std::string_view type);
std::string_view id_type_word(Identity::Type type);

// A program and its arguments, apart by blanks; '...', "..." and \ keep blanks as in a shell, and
// nothing else means anything. Nothing: a quote that does not end, or no word at all.
std::optional<std::vector<std::string>> split_command(std::string_view text);
std::string join_command(const std::vector<std::string>& words);  // and back

}  // namespace godwit::config
