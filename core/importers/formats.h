// One function for each format; private to the room. Each fills a draft and finishes it.
#pragma once

#include "core/importers/importers.h"

namespace godwit::importers {

Result<Imported, Refusal> import_vpnc(const Source& source);
Result<Imported, Refusal> import_pcf(const Source& source);
Result<Imported, Refusal> import_shrew(const Source& source);
Result<Imported, Refusal> import_mobileconfig(const Source& source);
Result<Imported, Refusal> import_swanctl(const Source& source);
Result<Imported, Refusal> import_ipsec_conf(const Source& source);

// Whether the text looks like it, by its content alone.
bool is_pcf(std::string_view text);
bool is_shrew(std::string_view text);
bool is_mobileconfig(std::string_view text);
bool is_swanctl(std::string_view text);
bool is_ipsec_conf(std::string_view text);

}  // namespace godwit::importers
