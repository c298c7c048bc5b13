// The DNS of a tunnel. Three ways, best first: systemd-resolved over D-Bus, which can route domains
// (split DNS is not a search list); the resolvconf program; /etc/resolv.conf itself. Every change
// is in the journal before it is made, and replaying the journal is the only way back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/address.h"
#include "platform/journal.h"
#include "platform/sys_error.h"

namespace godwit::platform {

struct DnsSettings {
  std::vector<IpAddress> servers;
  std::vector<std::string> search_domains;   // completed into names without a dot
  std::vector<std::string> routing_domains;  // only these go to the servers (split DNS)
  bool default_route = false;  // names of no other link's domains go to the servers too
};

enum class ResolverBackend : std::uint8_t { kNone, kResolved, kResolvconf, kResolvConfFile };
std::string_view name_of(ResolverBackend backend);  // "systemd-resolved", "resolvconf", ...

struct ResolverOptions {
  std::string bus;  // D-Bus address; empty: the system bus
  std::string resolvconf_program = "/sbin/resolvconf";
  std::string resolv_conf = "/etc/resolv.conf";
};

class Resolver {
 public:
  explicit Resolver(ResolverOptions options = {});

  // What apply() would use now. resolved is asked without starting it.
  ResolverBackend choose() const;

  // Tells the system. Settings without servers change nothing. EINVAL when an address or a domain
  // is not one, whatever the caller checked before. `index` and `device` are those of the TUN. The
  // files of the two lesser ways know no routing domains: with `default_route` false they still put
  // the servers first and the routing domains in the search list, and can_split() is false.
  Result<ResolverBackend, SysError> apply(int index, const std::string& device,
                                          const DnsSettings& settings, UndoJournal& journal);

  // What apply() told, once more, because the system may have forgotten it: the same way, and
  // nothing when that is not there now. A resolv.conf that somebody wrote since is what comes back
  // in the end.
  Result<void, SysError> reassert(ResolverBackend backend, int index, const std::string& device,
                                  const DnsSettings& settings, UndoJournal& journal);

  // Whether a resolv.conf of ours is one of somebody else's now, or of a tunnel that went.
  bool is_replaced(ResolverBackend backend) const;

  static bool can_split(ResolverBackend backend) { return backend == ResolverBackend::kResolved; }

 private:
  ResolverOptions options_;
};

// Letters, digits, '-', '_' and dots, labels of 1 to 63, at most 253 octets, no dot in front.
bool is_domain_name(std::string_view name);

// For the journal. Each succeeds when there is nothing left to undo; the bool says whether there
// was.
Result<bool, SysError> revert_resolved_link(const UndoResolvedLink& undo);
Result<bool, SysError> delete_resolvconf_record(const UndoResolvconf& undo);
// Only a file that still carries our head line is replaced: one that somebody wrote since is newer
// than the backup.
Result<bool, SysError> restore_resolv_conf(const UndoResolvConf& undo);

}  // namespace godwit::platform
