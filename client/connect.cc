#include "client/connect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "client/credentials.h"
#include "client/gateway_names.h"
#include "client/kill_switch.h"
#include "client/profiles.h"
#include "client/progress.h"
#include "client/scripts.h"
#include "client/secrets.h"
#include "client/status.h"
#include "client/tunnel_loop.h"
#include "client/words.h"
#include "core/crypto/hash.h"
#include "platform/caps.h"
#include "platform/clock.h"
#include "platform/guard.h"
#include "platform/syscall_filter.h"

namespace godwit::client {
namespace {

// IKE, and what the data path says to it.
constexpr std::uint32_t kControlBuffers = 256;

using platform::SysError;

Failure of_system(ExitCode code, const SysError& error) { return failure(code, error.message()); }

ExitCode code_of(const SysError& error) {
  return error.error == EPERM || error.error == EACCES ? ExitCode::kPermission
                                                       : ExitCode::kCannotApply;
}

// Without /dev/net/tun (a container, say) no tunnel can be made by anybody.
Failure no_device(const SysError& error) {
  const bool absent = error.error == ENOENT || error.error == ENODEV || error.error == ENXIO;
  return of_system(absent ? ExitCode::kPermission : code_of(error), error);
}

// Those that can be found now; the others are said, and left out.
std::vector<session::NamedGateway> resolve_backups(const config::Profile& profile,
                                                   Progress& progress) {
  std::vector<session::NamedGateway> found;
  for (const std::string& name : profile.backup_gateways) {
    if (const auto address = resolve(name)) {
      found.push_back({name, *address});
    } else {
      progress.say(address.error().what);
    }
  }
  return found;
}

// ", for 12 min", or nothing when the tunnel does not say.
std::string up_for(const std::string& name) {
  const auto status = control_ask(socket_path(name), ControlOp::kStatus, std::chrono::seconds(2));
  const auto span = status ? status_up_for(*status) : std::nullopt;
  return span ? ", for " + words(*span) : "";
}

// What a dead predecessor left is taken back first.
Result<platform::UndoJournal, Failure> open_journal(const std::string& name, Progress& progress) {
  const std::string folder = run_directory();
  const auto busy = [&] {
    return fail(failure(ExitCode::kAlreadyConnected,
                        fmt::format("{} is connected already{}", printable(name), up_for(name)),
                        fmt::format("`godwit status {0}` shows it; `godwit disconnect {0}` ends it",
                                    printable(name))));
  };
  // A killed process keeps its lock until the kernel has taken it apart.
  const auto held_by_the_dead = [&] {
    const auto owner = platform::UndoJournal::owner_of(name, folder);
    return owner && !owner->is_alive();
  };
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto journal = platform::UndoJournal::open(name, folder);
    if (journal) return std::move(*journal);
    if (journal.error().error == EWOULDBLOCK) {
      if (!held_by_the_dead()) return busy();
      std::this_thread::sleep_for(20ms);
      continue;
    }
    if (journal.error().error != EEXIST) {
      return fail(of_system(code_of(journal.error()), journal.error()));
    }
    const auto replayed = platform::UndoJournal::replay_file(name, folder);
    if (!replayed && replayed.error().error == EWOULDBLOCK) continue;
    if (!replayed) return fail(of_system(ExitCode::kCannotApply, replayed.error()));
    if (!replayed->complete()) {
      return fail(of_system(ExitCode::kCannotApply, replayed->failures.front()));
    }
    progress.say("cleaned up after a tunnel that ended without doing so");
  }
  return fail(failure(ExitCode::kInternal, "the undo journal cannot be replaced"));
}

// The tunnel's two sockets, and what the session is told of them.
struct Sockets {
  platform::UdpSocket ike;
  platform::UdpSocket natt;
  std::optional<platform::RawEspSocket> esp;  // where ESP goes without UDP
  session::LocalEndpoints local;
};

// What says that this machine has changed under the tunnel. Not every one has a bus.
struct Watches {
  platform::LinkMonitor links;
  std::optional<platform::BusWatch> bus;
  std::optional<platform::FileWatch> resolv_conf;
};

Result<Watches, Failure> open_watches() {
  auto links = platform::LinkMonitor::open();
  if (!links) return fail(of_system(code_of(links.error()), links.error()));
  Watches watches{std::move(*links), {}, {}};
  if (auto bus = platform::BusWatch::open()) watches.bus = std::move(*bus);
  auto resolv_conf = platform::FileWatch::open(platform::ResolverOptions{}.resolv_conf);
  if (resolv_conf) watches.resolv_conf = std::move(*resolv_conf);
  return watches;
}

// Whatever ends a connect early has changed nothing, and leaves no file behind.
struct Cleanup {
  platform::UndoJournal& journal;
  ~Cleanup() { (void)journal.replay_all(); }
};

class Connection {
 public:
  Connection(const config::Profile& profile, const ConnectOptions& options, Progress& progress)
      : profile_(profile), options_(options), progress_(progress) {
    hardening_.memory_locked = platform::lock_memory().has_value();
  }

  // Runs the tunnel to its end; `up` is called when traffic can flow.
  Result<ExitCode, Failure> run(const std::function<void(const session::Event&)>& up);

 private:
  Result<session::SessionConfig, Failure> session_config(platform::Signals& signals,
                                                         const IpAddress& gateway,
                                                         const session::LocalEndpoints& local);
  void guard(platform::UndoJournal& journal, const Sockets& sockets, std::uint32_t mark);
  Result<Sockets, Failure> open_sockets(const IpAddress& gateway, std::uint32_t fwmark) const;
  Result<ExitCode, Failure> undo(Machine& machine, ClosedWhile& closed, const TunnelLoop& loop,
                                 const session::EndReason& reason) const;
  Failure ended(const session::EndReason& reason) const;
  // `assigned` is filled on the way.
  TunnelLoop::Hooks hooks(std::optional<session::Event>& assigned,
                          const std::function<void(const session::Event&)>& up);

  const config::Profile& profile_;
  const ConnectOptions& options_;
  Progress& progress_;
  std::string complaint_;
  std::optional<Failure> unanswered_;
  Hardening hardening_;
  std::optional<Scripts> scripts_;  // when the journal is there
};

Result<session::SessionConfig, Failure> Connection::session_config(
    platform::Signals& signals, const IpAddress& gateway, const session::LocalEndpoints& local) {
  session::SessionConfig config;
  config.profile = profile_;
  config.credentials = GODWIT_TRY(obtain_credentials(profile_, signals.fd()));
  if (profile_.auth == config::Authentication::kPsk) {
    const std::string warning = psk_warning(config.credentials.psk.size());
    if (!warning.empty()) progress_.say(warning);
  }
  config.boot_time =
      platform::wall_now().time_since_epoch() - platform::boot_now().time_since_epoch();
  config.gateway = gateway;
  config.local = local;
  config.log_keys = options_.keylog.has_value();
  return config;
}

// Bound to no address: in another network the kernel chooses another source.
Result<Sockets, Failure> Connection::open_sockets(const IpAddress& gateway,
                                                  std::uint32_t fwmark) const {
  const auto source = platform::source_address_for(gateway, fwmark);
  if (!source) return fail(of_system(ExitCode::kUnreachable, source.error()));
  const IpAddress any = source->is_v4() ? IpAddress::v4(0) : *IpAddress::parse("::");
  auto ike = platform::UdpSocket::open(any, profile_.local_port, fwmark);
  if (!ike) return fail(of_system(code_of(ike.error()), ike.error()));
  // L2TP makes packets as large as PPP is told to, and godwit cannot tell it the path's MTU.
  platform::UdpOptions options;
  options.dont_fragment = !profile_.l2tp && !profile_.outer_fragments;
  auto natt = platform::UdpSocket::open(any, profile_.local_natt_port, fwmark, options);
  if (!natt) return fail(of_system(code_of(natt.error()), natt.error()));
  const session::LocalEndpoints local = {{*source, ike->local().port},
                                         {*source, natt->local().port}};
  Sockets sockets{std::move(*ike), std::move(*natt), {}, local};
  if (profile_.natt == config::NatTraversal::kOff) {
    auto esp = platform::RawEspSocket::open(source->is_v4(), fwmark);
    if (!esp) return fail(of_system(code_of(esp.error()), esp.error()));
    sockets.esp = std::move(*esp);
  }
  return sockets;
}

// A machine without nft has a tunnel all the same.
void Connection::guard(platform::UndoJournal& journal, const Sockets& sockets, std::uint32_t mark) {
  const platform::Guard guard{platform::guard_table(profile_.name),
                              mark,
                              {sockets.local.ike.port, sockets.local.natt.port},
                              sockets.esp.has_value()};
  if (!journal.push(platform::UndoFirewall{guard.table})) return;
  const auto made = platform::apply_guard(guard);
  if (made) return;
  (void)journal.cancel_last();
  const bool strict = platform::has_strict_filter();
  progress_.say(made.error().message() + (strict ? ": a full tunnel needs nftables here, or "
                                                   "net.ipv4.conf.*.rp_filter = 2"
                                                 : ": neighbours can probe the inner address"));
}

Failure Connection::ended(const session::EndReason& reason) const {
  // Who was asked knows better than the core why there was no answer.
  if (reason.cause == session::EndCause::kInputNeeded && unanswered_) return *unanswered_;
  if (scripts_ && scripts_->failed()) return failure(ExitCode::kScript, complaint_);
  Failure out = explain(reason, profile_);
  if (reason.cause == session::EndCause::kCannotApply && !complaint_.empty()) {
    out.what += ": " + complaint_;
  }
  return out;
}

Result<ExitCode, Failure> Connection::run(const std::function<void(const session::Event&)>& up) {
  const auto refused = [](const SysError& error) { return of_system(code_of(error), error); };
  // First, while a Ctrl-C still ends the process: a resolver may take long, nothing is to undo yet.
  const IpAddress gateway = GODWIT_TRY(find_gateway(profile_));
  auto backups = resolve_backups(profile_, progress_);
  auto journal = open_journal(profile_.name, progress_);
  if (!journal) return fail(journal.error());
  ClosedWhile closed(profile_.name);
  const Cleanup cleanup{*journal};

  auto signals = platform::Signals::open();
  if (!signals) return fail(refused(signals.error()));
  auto cancel = platform::Event::open();
  if (!cancel) return fail(refused(cancel.error()));

  const auto say = [this](const std::string& text) { progress_.say(text); };
  scripts_.emplace(profile_, *journal, say);
  scripts_->pre_init(gateway);
  auto tun = platform::Tun::open(profile_.interface);
  if (!tun) return fail(no_device(tun.error()));
  if (const auto pushed = journal->push(platform::UndoLink{tun->name()}); !pushed) {
    return fail(refused(pushed.error()));
  }
  const TunnelNumbers numbers = numbers_for(tun->index());
  GODWIT_TRY(close_machine(profile_, gateway));
  Sockets sockets = GODWIT_TRY(open_sockets(gateway, numbers.fwmark));
  guard(*journal, sockets, numbers.fwmark);
  Watches watches = GODWIT_TRY(open_watches());
  auto lookup = GODWIT_TRY(GatewayLookup::open());
  session::SessionConfig config = GODWIT_TRY(session_config(*signals, gateway, sockets.local));
  config.backups = std::move(backups);
  UserSecrets secrets = GODWIT_TRY(read_user_secrets(profile_, signals->fd()));
  if (const auto pushed = journal->push(platform::UndoFile{socket_path(profile_.name)}); !pushed) {
    return fail(refused(pushed.error()));
  }
  auto control = GODWIT_TRY(ControlServer::open(socket_path(profile_.name)));
  auto engine = platform::make_engine(platform::EngineChoice::kAuto, kControlBuffers);
  if (!engine) return fail(refused(engine.error()));
  hardening_.calls_filtered = platform::filter_system_calls().has_value();
  auto packets = PacketPath::open({*tun, sockets.natt, sockets.esp ? &*sockets.esp : nullptr,
                                   profile_.l2tp, profile_.copy_dscp},
                                  [] { return platform::drop_capabilities(); });
  if (!packets) return fail(refused(packets.error()));
  // Everything privileged is open: from here on only the network may be administered. A thread
  // has capabilities of its own, so the worker starts afterwards and inherits what is left.
  if (const auto dropped = platform::drop_capabilities(); !dropped) {
    return fail(refused(dropped.error()));
  }
  auto worker = Worker::start();
  if (!worker) return fail(refused(worker.error()));
  auto asker = Worker::start();
  if (!asker) return fail(refused(asker.error()));

  scripts_->set_device(tun->name());
  Machine machine(*tun, *journal, platform::ResolverOptions{}, &*scripts_,
                  RoutePolicy::of(profile_), say);
  std::optional<session::Event> assigned;
  TunnelLoop loop(
      std::move(config),
      {*tun, sockets.ike, *signals, *cancel, watches.links, watches.bus ? &*watches.bus : nullptr,
       watches.resolv_conf ? &*watches.resolv_conf : nullptr, lookup, machine, control,
       numbers.fwmark, hardening_},
      std::move(*engine), std::move(*packets), std::move(*worker), std::move(*asker),
      std::move(secrets), options_.keylog ? std::optional<KeyLog>(*options_.keylog) : std::nullopt,
      hooks(assigned, up));
  const session::EndReason reason = loop.run();
  unanswered_ = loop.unanswered();
  return undo(machine, closed, loop, reason);
}

TunnelLoop::Hooks Connection::hooks(std::optional<session::Event>& assigned,
                                    const std::function<void(const session::Event&)>& up) {
  TunnelLoop::Hooks out;
  out.report = [this, &assigned](const session::Event& event) {
    if (std::holds_alternative<session::AddressAssigned>(event)) assigned = event;
    progress_.event(event);
    if (scripts_) scripts_->on_event(event);
  };
  out.moved = [this] { scripts_->on_moved(); };
  out.say = [this](const std::string& text) { progress_.say(text); };
  out.complain = [this](const std::string& text) {
    complaint_ = text;
    progress_.say(text);
  };
  out.beat = [this](Instant now) { return progress_.service().beat(now); };
  out.up = [&assigned, &up] { up(assigned.value_or(session::Event{session::TunnelUp{}})); };
  return out;
}

Result<ExitCode, Failure> Connection::undo(Machine& machine, ClosedWhile& closed,
                                           const TunnelLoop& loop,
                                           const session::EndReason& reason) const {
  progress_.service().stopping();
  const bool wanted = reason.cause == session::EndCause::kUserRequest && loop.was_up();
  // A tunnel that ended by itself leaves the machine closed, and so does one that a service manager
  // stops: it may be about to start it again, or to shut the machine down.
  const bool by_manager =
      options_.foreground && loop.was_signalled() && progress_.service().is_managed();
  if (loop.was_up()) closed.stay_closed(!wanted || by_manager);
  const auto revoked = machine.revoke();
  if (!revoked) return fail(of_system(ExitCode::kCannotApply, revoked.error()));
  if (!revoked->complete()) {
    return fail(of_system(ExitCode::kCannotApply, revoked->failures.front()));
  }
  if (closed.stays_closed()) {
    progress_.say("the kill switch stays: `godwit disconnect " + printable(profile_.name) +
                  "` opens this machine");
  }
  if (wanted) return ExitCode::kOk;
  return fail(ended(reason));
}

// The terminal's process group keeps a Ctrl-C for itself once the tunnel is up.
void detach() {
  ::setsid();
  if (::chdir("/") != 0) return;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  if (null > STDERR_FILENO) ::close(null);
}

// A connect that takes longer than the user waits ends as if he had ended it, and says why. Before
// the tunnel's process looks at signals itself nothing has to be undone (a slow resolver, say).
volatile std::sig_atomic_t waited_enough = 0;
volatile std::sig_atomic_t in_foreground = 0;

void on_alarm(int /*signal*/) {
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  waited_enough = 1;
  if (::sigismember(&blocked, SIGTERM) != 0) {
    ::kill(::getpid(), SIGTERM);
  } else if (in_foreground != 0) {
    ::_exit(number(ExitCode::kWaitOver));
  } else {
    ::signal(SIGALRM, SIG_DFL);  // the parent tells the user
    ::raise(SIGALRM);
  }
}

void limit_wait(const ConnectOptions& options) {
  if (options.wait == 0) return;
  in_foreground = options.foreground ? 1 : 0;
  ::signal(SIGALRM, on_alarm);
  ::alarm(options.wait);
}

int run_here(const config::Profile& profile, const ConnectOptions& options,
             const std::function<void()>& up) {
  Progress progress(options.json, options.quiet);
  if (const auto hardened = platform::harden_process(); !hardened) {
    return progress.failed(of_system(ExitCode::kPermission, hardened.error()));
  }
  // One AES and one GCM operation before the first thread (and known answers, all the same).
  if (!crypto::self_test()) {
    return progress.failed(failure(ExitCode::kInternal, "the crypto library fails its self-test"));
  }
  limit_wait(options);
  for (const std::string& word : profile.weak) progress.say("weak: " + weak_reason(word));
  Connection connection(profile, options, progress);
  const auto code = connection.run([&](const session::Event& assigned) {
    ::alarm(0);
    progress.up(profile, assigned);
    if (!options.foreground) {
      detach();
      progress.to_system_log(profile.name);
    }
    up();
  });
  if (!code && waited_enough != 0) {
    return progress.failed(failure(ExitCode::kWaitOver, {}));
  }
  if (!code) return progress.failed(code.error());
  progress.ended();
  return number(*code);
}

// A signal that somebody sent to this process alone goes to the tunnel; one from the terminal has
// reached it already.
volatile pid_t child_pid = 0;
void forward(int signal, siginfo_t* information, void* /*context*/) {
  if (information->si_code == SI_USER && child_pid > 0) ::kill(child_pid, signal);
}

int wait_for_child(pid_t child, int from_child, const ConnectOptions& options) {
  child_pid = child;
  struct sigaction action {};
  action.sa_sigaction = forward;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  char up = 0;
  ssize_t got = 0;
  while ((got = ::read(from_child, &up, 1)) < 0 && errno == EINTR) {
  }
  if (got == 1) return 0;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  // Before the tunnel's process looks at signals itself there is nothing to undo.
  Progress progress(options.json, options.quiet);
  const int signal = WTERMSIG(status);
  if (signal == SIGALRM) return progress.failed(failure(ExitCode::kWaitOver, {}));
  if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) {
    return progress.failed(failure(ExitCode::kInterrupted, {}));
  }
  return progress.failed(failure(ExitCode::kInternal,
                                 fmt::format("the tunnel's process died of signal {}", signal),
                                 "`godwit disconnect` cleans up after it"));
}

}  // namespace

int connect(const config::Profile& profile, const ConnectOptions& options) {
  if (options.foreground) return run_here(profile, options, [] {});
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    Progress progress(options.json, options.quiet);
    return progress.failed(failure(ExitCode::kInternal, std::strerror(errno)));
  }
  // Before any thread, ring or random number: none of them survives a fork in one piece.
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) {
    Progress progress(options.json, options.quiet);
    return progress.failed(failure(ExitCode::kInternal, std::strerror(errno)));
  }
  if (child != 0) {
    ::close(ends[1]);
    return wait_for_child(child, ends[0], options);
  }
  ::close(ends[0]);
  const int code = run_here(profile, options, [&] {
    const char up = 1;
    (void)!::write(ends[1], &up, 1);
    ::close(ends[1]);
  });
  std::cout.flush();
  ::_exit(code);
}

}  // namespace godwit::client
