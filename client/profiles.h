// Where profiles are: NAME is /etc/godwit/NAME.toml or NAME.conf, anything with a slash or ending
// in .toml is a file. GODWIT_CONF_DIR and GODWIT_RUN_DIR move the two folders, for tests.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/report.h"
#include "core/base/result.h"
#include "core/config/profile_parser.h"
#include "core/importers/importers.h"

namespace godwit::client {

std::string config_directory();
std::string run_directory();
std::string socket_path(const std::string& name);

// The profile's own name: the file's without folder and ending.
std::string profile_name(const std::string& name_or_file);
std::string profile_path(const std::string& name_or_file);

// The text of the file and the profile in it; the failure lists every mistake, a line each. A file
// of vpnc's is taken as it is: what of it has no place in a profile goes to `remarks`.
Result<config::Profile, Failure> load_profile(const std::string& name_or_file,
                                              std::span<const config::Override> overrides,
                                              std::vector<importers::Remark>* remarks = nullptr);

std::vector<std::string> list_profiles();  // names, sorted
std::vector<std::string> list_closed();    // names of closed kill switches, sorted
std::vector<std::string> list_tunnels();   // names with a socket or a journal, sorted
// Whether the tunnel's process is gone without having taken its changes back.
bool has_died(const std::string& name);

}  // namespace godwit::client
