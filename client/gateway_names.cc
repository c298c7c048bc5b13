#include "client/gateway_names.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "client/words.h"
#include "platform/event.h"

namespace godwit::client {

Result<IpAddress, Failure> resolve(const std::string& name) {
  if (const auto address = IpAddress::parse(name)) return *address;
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int status = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  std::optional<IpAddress> v4;
  std::optional<IpAddress> v6;
  for (const addrinfo* entry = list; status == 0 && entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET && !v4) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(entry->ai_addr);
      v4 = IpAddress::v4(ntohl(in->sin_addr.s_addr));
    } else if (entry->ai_family == AF_INET6 && !v6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(entry->ai_addr);
      v6 = IpAddress::from_bytes(Bytes(in->sin6_addr.s6_addr, 16));
    }
  }
  if (list != nullptr) ::freeaddrinfo(list);
  if (v4) return *v4;
  if (v6) return *v6;
  return fail(failure(ExitCode::kNameResolution,
                      fmt::format("the gateway's name {} cannot be resolved: {}", printable(name),
                                  status == 0 ? "no address" : ::gai_strerror(status))));
}

namespace {

// The first name is the gateway's, the others are its backups'.
std::optional<session::GatewayNames> look_up(const std::vector<std::string>& names) {
  const auto gateway = resolve(names.front());
  if (!gateway) return std::nullopt;
  session::GatewayNames found{*gateway, {}};
  for (auto name = names.begin() + 1; name != names.end(); ++name) {
    if (const auto address = resolve(*name)) found.backups.push_back({*name, *address});
  }
  return found;
}

}  // namespace

struct GatewayLookup::Shared {
  explicit Shared(platform::Event event) : bell(std::move(event)) {}

  platform::Event bell;
  std::mutex mutex;
  bool busy = false;
  std::optional<session::GatewayNames> found;
};

Result<GatewayLookup, Failure> GatewayLookup::open() {
  auto bell = platform::Event::open();
  if (!bell) return fail(failure(ExitCode::kCannotApply, bell.error().message()));
  return GatewayLookup(std::make_shared<Shared>(std::move(*bell)));
}

int GatewayLookup::fd() const { return shared_->bell.fd(); }

void GatewayLookup::begin(const config::Profile& profile) {
  std::vector<std::string> names = profile.backup_gateways;
  names.insert(names.begin(), profile.gateway);
  if (std::ranges::all_of(names,
                          [](const auto& name) { return IpAddress::parse(name).has_value(); }))
    return;
  {
    const std::lock_guard lock(shared_->mutex);
    if (std::exchange(shared_->busy, true)) return;
  }
  try {
    std::thread([shared = shared_, names = std::move(names)] {
      auto found = look_up(names);
      const std::lock_guard lock(shared->mutex);
      shared->busy = false;
      shared->found = std::move(found);
      shared->bell.notify();
    }).detach();
  } catch (const std::system_error&) {  // no more threads: a later attempt may get one
    const std::lock_guard lock(shared_->mutex);
    shared_->busy = false;
  }
}

std::optional<session::GatewayNames> GatewayLookup::take() {
  shared_->bell.clear();
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->found, std::nullopt);
}

}  // namespace godwit::client
