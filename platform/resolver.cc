#include "platform/resolver.h"

#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/net/dns_name.h"
#include "platform/bus.h"
#include "platform/resolver_text.h"

extern char** environ;

namespace godwit::platform {
namespace {

constexpr std::string_view kHeadLine =
    "# Written by godwit; the former file comes back when the "
    "tunnel goes down.\n";
// Of the tunnel whose servers it names; of several tunnels the one that wrote last.
constexpr std::string_view kDeviceLine = "# Device ";
constexpr const char* kService = "org.freedesktop.resolve1";
constexpr const char* kObject = "/org/freedesktop/resolve1";
constexpr const char* kManager = "org.freedesktop.resolve1.Manager";
constexpr std::uint64_t kBusTimeout = 5'000'000;  // microseconds

// Asked of the bus itself, so that nothing is started by the question.
bool has_owner(sd_bus* bus, const char* service) {
  sd_bus_creds* creds = nullptr;
  const int status = sd_bus_get_name_creds(bus, service, SD_BUS_CREDS_PID, &creds);
  sd_bus_creds_unref(creds);
  return status >= 0;
}

Result<BusMessage, SysError> make_call(sd_bus* bus, const char* method) {
  sd_bus_message* raw = nullptr;
  const int status = sd_bus_message_new_method_call(bus, &raw, kService, kObject, kManager, method);
  if (status < 0) return fail(SysError{method, -status, kService});
  sd_bus_message_set_auto_start(raw, 0);
  return BusMessage(raw);
}

Result<void, SysError> call(sd_bus* bus, const BusMessage& message, const char* method) {
  sd_bus_error error{};
  const int status = sd_bus_call(bus, message.get(), kBusTimeout, &error, nullptr);
  const std::string text = error.message != nullptr ? bus_text(error.message) : kService;
  sd_bus_error_free(&error);
  if (status < 0) return fail(SysError{method, -status, text});
  return {};
}

Result<void, SysError> set_servers(sd_bus* bus, int index, const DnsSettings& settings) {
  const BusMessage message = GODWIT_TRY(make_call(bus, "SetLinkDNS"));
  sd_bus_message_append(message.get(), "i", index);
  sd_bus_message_open_container(message.get(), 'a', "(iay)");
  for (const IpAddress& server : settings.servers) {
    const Bytes octets = server.bytes();
    sd_bus_message_open_container(message.get(), 'r', "iay");
    sd_bus_message_append(message.get(), "i", server.is_v4() ? AF_INET : AF_INET6);
    sd_bus_message_append_array(message.get(), 'y', octets.data(), octets.size());
    sd_bus_message_close_container(message.get());
  }
  sd_bus_message_close_container(message.get());
  return call(bus, message, "SetLinkDNS");
}

Result<void, SysError> set_domains(sd_bus* bus, int index, const DnsSettings& settings) {
  const BusMessage message = GODWIT_TRY(make_call(bus, "SetLinkDomains"));
  sd_bus_message_append(message.get(), "i", index);
  sd_bus_message_open_container(message.get(), 'a', "(sb)");
  for (const std::string& domain : settings.search_domains) {
    sd_bus_message_append(message.get(), "(sb)", domain.c_str(), 0);
  }
  for (const std::string& domain : settings.routing_domains) {
    sd_bus_message_append(message.get(), "(sb)", domain.c_str(), 1);
  }
  // "~.": every name that no other link claims more precisely.
  if (settings.default_route) sd_bus_message_append(message.get(), "(sb)", ".", 1);
  sd_bus_message_close_container(message.get());
  return call(bus, message, "SetLinkDomains");
}

Result<void, SysError> set_default_route(sd_bus* bus, int index, bool on) {
  const BusMessage message = GODWIT_TRY(make_call(bus, "SetLinkDefaultRoute"));
  sd_bus_message_append(message.get(), "ib", index, on ? 1 : 0);
  return call(bus, message, "SetLinkDefaultRoute");
}

// Names must not be asked of the office's neighbours by multicast.
Result<void, SysError> set_off(sd_bus* bus, int index, const char* method) {
  const BusMessage message = GODWIT_TRY(make_call(bus, method));
  sd_bus_message_append(message.get(), "is", index, "no");
  return call(bus, message, method);
}

Result<void, SysError> apply_resolved(const std::string& address, int index,
                                      const DnsSettings& settings) {
  const Bus bus = GODWIT_TRY(open_bus(address));
  GODWIT_TRY(set_servers(bus.get(), index, settings));
  GODWIT_TRY(set_domains(bus.get(), index, settings));
  GODWIT_TRY(set_default_route(bus.get(), index, settings.default_route));
  GODWIT_TRY(set_off(bus.get(), index, "SetLinkLLMNR"));
  GODWIT_TRY(set_off(bus.get(), index, "SetLinkMulticastDNS"));
  return {};
}

// Runs a program without a shell, `input` on its standard input.
Result<void, SysError> run(const std::vector<std::string>& arguments, const std::string& input) {
  // A file in memory instead of a pipe: a program that does not read it costs us no SIGPIPE, and
  // one that reads slowly no wait.
  const Fd data(::memfd_create("godwit-resolvconf", MFD_CLOEXEC));
  if (!data) return fail(last_error("create a file in memory"));
  if (::write(data.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()) ||
      ::lseek(data.get(), 0, SEEK_SET) != 0) {
    return fail(last_error("write a file in memory"));
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail(last_error("fork"));
  if (child == 0) {
    // The program shall not inherit that we block and ignore signals (platform/signals.h).
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(data.get(), STDIN_FILENO);
    ::execve(argv[0], argv.data(), environ);
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(SysError{"run", ECHILD, arguments.front()});
  }
  return {};
}

Result<std::string, SysError> read_file(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(last_error("open", path));
  std::string out;
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  while ((got = ::read(fd.get(), buffer.data(), buffer.size())) > 0) {
    out.append(buffer.data(), static_cast<std::size_t>(got));
    if (out.size() > (1U << 20)) return fail(SysError{"read", EFBIG, path});
  }
  if (got < 0) return fail(last_error("read", path));
  return out;
}

Result<void, SysError> write_new(const std::string& path, const std::string& text, mode_t mode) {
  ::unlink(path.c_str());
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(last_error("create", path));
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fchmod(fd.get(), mode) != 0) {
    return fail(last_error("write", path));
  }
  return {};
}

// What stands at `path` now. The content of a file is saved beside the journal, by apply().
Result<UndoResolvConf, SysError> remember(const std::string& path, const UndoJournal& journal) {
  UndoResolvConf undo;
  undo.path = path;
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) return fail(last_error("stat", path));
    undo.kind = UndoResolvConf::Kind::kAbsent;
    return undo;
  }
  if (S_ISLNK(found.st_mode)) {
    std::array<char, 4096> target;
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    if (size < 0) return fail(last_error("readlink", path));
    undo.kind = UndoResolvConf::Kind::kSymlink;
    undo.target.assign(target.data(), static_cast<std::size_t>(size));
    return undo;
  }
  undo.kind = UndoResolvConf::Kind::kFile;
  undo.mode = found.st_mode & 07777;
  undo.uid = found.st_uid;
  undo.gid = found.st_gid;
  undo.backup = journal.directory() + "/" + journal.profile() + ".resolv.conf";
  return undo;
}

// Puts a finished file in place of whatever is there, in one step.
Result<void, SysError> replace(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".godwit";
  GODWIT_TRY(write_new(fresh, text, 0644));
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    // A bind mount, as containers have, can be written but not replaced.
    const SysError error = last_error("rename", path);
    ::unlink(fresh.c_str());
    if (error.error != EBUSY) return fail(error);
    const Fd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      return fail(last_error("write", path));
    }
  }
  return {};
}

Result<void, SysError> restore_file(const UndoResolvConf& undo) {
  const std::string text = GODWIT_TRY(read_file(undo.backup));
  GODWIT_TRY(replace(undo.path, text));
  if (::chmod(undo.path.c_str(), undo.mode) != 0 ||
      ::chown(undo.path.c_str(), undo.uid, undo.gid) != 0) {
    // Without CAP_CHOWN the owner stays root, which wrote it before in every common case.
    if (errno != EPERM) return fail(last_error("restore", undo.path));
  }
  return {};
}

std::string of_device(const std::string& device) {
  return std::string(kHeadLine) + std::string(kDeviceLine) + device + "\n";
}

bool carries_head_line(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return false;
  const auto text = read_file(path);
  return text && text->starts_with(kHeadLine);
}

}  // namespace

std::string_view name_of(ResolverBackend backend) {
  switch (backend) {
    case ResolverBackend::kNone:
      return "none";
    case ResolverBackend::kResolved:
      return "systemd-resolved";
    case ResolverBackend::kResolvconf:
      return "resolvconf";
    case ResolverBackend::kResolvConfFile:
      return "resolv.conf";
  }
  return "none";
}

bool is_domain_name(std::string_view name) { return is_dns_name(name); }

Resolver::Resolver(ResolverOptions options) : options_(std::move(options)) {}

ResolverBackend Resolver::choose() const {
  if (const auto bus = open_bus(options_.bus); bus && has_owner(bus->get(), kService)) {
    return ResolverBackend::kResolved;
  }
  if (::access(options_.resolvconf_program.c_str(), X_OK) == 0) {
    return ResolverBackend::kResolvconf;
  }
  return ResolverBackend::kResolvConfFile;
}

Result<ResolverBackend, SysError> Resolver::apply(int index, const std::string& device,
                                                  const DnsSettings& settings,
                                                  UndoJournal& journal) {
  if (settings.servers.empty()) return ResolverBackend::kNone;
  for (const IpAddress& server : settings.servers) {
    if (!server.is_usable_unicast()) {
      return fail(SysError{"set the DNS server", EINVAL, server.to_string()});
    }
  }
  for (const auto* list : {&settings.search_domains, &settings.routing_domains}) {
    for (const std::string& domain : *list) {
      if (!is_domain_name(domain)) return fail(SysError{"set the domain", EINVAL, domain});
    }
  }
  const ResolverBackend backend = choose();
  switch (backend) {
    case ResolverBackend::kNone:
      break;
    case ResolverBackend::kResolved:
      GODWIT_TRY(journal.push(UndoResolvedLink{device, options_.bus}));
      GODWIT_TRY(apply_resolved(options_.bus, index, settings));
      break;
    case ResolverBackend::kResolvconf: {
      const std::string record = device + ".godwit";
      GODWIT_TRY(journal.push(UndoResolvconf{options_.resolvconf_program, record}));
      GODWIT_TRY(run({options_.resolvconf_program, "-a", record}, resolv_lines(settings)));
      break;
    }
    case ResolverBackend::kResolvConfFile: {
      // Our own file is no backup: what the user had was saved when it was first replaced.
      if (!carries_head_line(options_.resolv_conf)) {
        const UndoResolvConf undo = GODWIT_TRY(remember(options_.resolv_conf, journal));
        if (!undo.backup.empty()) {
          GODWIT_TRY(journal.push(UndoFile{undo.backup}));
          const std::string text = GODWIT_TRY(read_file(undo.path));
          GODWIT_TRY(write_new(undo.backup, text, 0600));
        }
        GODWIT_TRY(journal.push(undo));
      }
      GODWIT_TRY(replace(options_.resolv_conf, of_device(device) + resolv_lines(settings)));
      break;
    }
  }
  return backend;
}

Result<void, SysError> Resolver::reassert(ResolverBackend backend, int index,
                                          const std::string& device, const DnsSettings& settings,
                                          UndoJournal& journal) {
  if (backend == ResolverBackend::kNone || choose() != backend) return {};
  switch (backend) {
    case ResolverBackend::kNone:
      break;
    case ResolverBackend::kResolved:
      return apply_resolved(options_.bus, index, settings);
    case ResolverBackend::kResolvconf:
      return run({options_.resolvconf_program, "-a", device + ".godwit"}, resolv_lines(settings));
    case ResolverBackend::kResolvConfFile:
      if (is_replaced(backend)) {
        GODWIT_TRY(apply(index, device, settings, journal));
      }
      break;
  }
  return {};
}

bool Resolver::is_replaced(ResolverBackend backend) const {
  if (backend != ResolverBackend::kResolvConfFile) return false;
  const auto text = read_file(options_.resolv_conf);
  if (!text || !carries_head_line(options_.resolv_conf)) return true;
  const auto at = kHeadLine.size() + kDeviceLine.size();
  const auto end = text->find('\n', at);
  return end != std::string::npos && ::if_nametoindex(text->substr(at, end - at).c_str()) == 0;
}

Result<bool, SysError> revert_resolved_link(const UndoResolvedLink& undo) {
  auto netlink = Netlink::open();
  if (!netlink) return fail(netlink.error());
  const auto index = netlink->index_of(undo.device);
  if (!index) return false;  // resolved forgets a link that is gone
  const auto bus = open_bus(undo.bus);
  if (!bus || !has_owner(bus->get(), kService)) return false;
  const BusMessage message = GODWIT_TRY(make_call(bus->get(), "RevertLink"));
  sd_bus_message_append(message.get(), "i", *index);
  GODWIT_TRY(call(bus->get(), message, "RevertLink"));
  return true;
}

Result<bool, SysError> delete_resolvconf_record(const UndoResolvconf& undo) {
  if (::access(undo.program.c_str(), X_OK) != 0) return false;
  GODWIT_TRY(run({undo.program, "-d", undo.record}, {}));
  return true;
}

Result<bool, SysError> restore_resolv_conf(const UndoResolvConf& undo) {
  if (!carries_head_line(undo.path)) return false;
  switch (undo.kind) {
    case UndoResolvConf::Kind::kFile:
      GODWIT_TRY(restore_file(undo));
      break;
    case UndoResolvConf::Kind::kSymlink: {
      const std::string fresh = undo.path + ".godwit";
      ::unlink(fresh.c_str());
      if (::symlink(undo.target.c_str(), fresh.c_str()) != 0 ||
          ::rename(fresh.c_str(), undo.path.c_str()) != 0) {
        return fail(last_error("restore", undo.path));
      }
      break;
    }
    case UndoResolvConf::Kind::kAbsent:
      if (::unlink(undo.path.c_str()) != 0) return fail(last_error("remove", undo.path));
      break;
  }
  return true;
}

}  // namespace godwit::platform
