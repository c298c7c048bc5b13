// A gateway that holds our keys and says what it likes: the whole session against the simulated
// gateway (tests/sim), which seals the payloads of the input into authentic messages, before and
// after the tunnel is up. The invariants are the simulation's: no sequence number twice, nothing
// delivered that was not sent, every input counted, no deadline in the past; and a session that is
// told to disconnect ends.
#include <algorithm>
#include <cstdio>

#include "tests/fuzz/fuzz.h"
#include "tests/sim/world.h"

using namespace godwit;
using namespace godwit::sim;

namespace {

// Takes octets off the front; zeros when there are none left.
class Input {
 public:
  explicit Input(Bytes octets) : rest_(octets) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t octet() {
    if (rest_.empty()) return 0;
    const std::uint8_t out = rest_[0];
    rest_ = rest_.subspan(1);
    return out;
  }
  Bytes take(std::size_t size) {
    const Bytes out = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(out.size());
    return out;
  }

 private:
  Bytes rest_;
};

WorldConfig make_config(std::uint8_t kind) {
  WorldConfig config;
  config.record = false;
  config.profile.aggressive = (kind & 1) != 0;
  config.client_natted = (kind & 2) == 0;
  config.profile.xauth = (kind & 4) != 0;
  if (config.profile.xauth) config.gateway.users = {{"alice", "wonderland"}};
  if ((kind & 8) != 0) config.profile.pfs = crypto::DhGroup::kEcp256;
  config.gateway.pfs = config.profile.pfs;
  config.gateway.key_exchange = KeyExchange::kStandIn;
  config.gateway.record = false;
  return config;
}

// `what` says the exchange and how many payloads follow, each of a type, two octets of size and a
// body.
void say(World& world, Input& in, std::uint8_t what) {
  constexpr ike::Exchange kExchanges[] = {ike::Exchange::kQuick, ike::Exchange::kTransaction,
                                          ike::Exchange::kInformational};
  PayloadList payloads;
  for (int i = 0; i <= what / 3 % 4; ++i) {
    const auto type = static_cast<ike::PayloadType>(std::max<int>(1, in.octet()));
    const std::size_t size = in.octet() * 4u;
    payloads.emplace_back(type, to_vec(in.take(size)));
  }
  world.gateway_does([&](Gateway& gateway, Instant now, Outbox& out) {
    return gateway.send_authentic(kExchanges[what % 3], payloads, now, out);
  });
}

// The next message that the gateway composes has one payload changed, added or left out.
void edit_next(World& world, Input& in, std::uint8_t what) {
  const std::uint8_t at = in.octet();
  const auto type = static_cast<ike::PayloadType>(std::max<int>(1, in.octet()));
  const std::size_t size = in.octet() * 4u;
  auto& edit = world.gateway().config().edit;
  edit = [&edit, what, at, type, body = to_vec(in.take(size))](PayloadList& payloads) {
    if (payloads.empty()) return;
    const std::size_t index = at % payloads.size();
    ByteVec& old = payloads[index].second;
    if (what % 4 == 0) {
      old = body;
    } else if (what % 4 == 1) {
      payloads.emplace_back(type, body);
    } else if (what % 4 == 2 && payloads.size() > 1) {
      payloads.erase(payloads.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
      for (std::size_t i = 0; i < std::min(body.size(), old.size()); ++i) old[i] ^= body[i];
    }
    edit = nullptr;
  };
}

void do_honestly(World& world, std::uint8_t what) {
  world.gateway_does([&](Gateway& gateway, Instant now, Outbox& out) {
    if (gateway.ike() == nullptr || gateway.ike()->stage != Ike::Stage::kReady) return false;
    switch (what % 4) {
      case 0:
        return gateway.start_dpd(now, out);
      case 1:
        return gateway.start_rekey(now, out);
      case 2:
        return gateway.delete_esp(now, out);
      default:
        return gateway.delete_ike(now, out);
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 1024) return 0;
  Input in(Bytes(data, size));
  World world(make_config(in.octet()));
  world.start();
  for (int steps = 0; !in.empty() && steps < 24 && !world.finished(); ++steps) {
    const std::uint8_t op = in.octet();
    switch (op % 6) {
      case 0:
        say(world, in, op / 6);
        break;
      case 1:
        world.run_for(in.octet() * 20ms);
        break;
      case 2:
        world.run_until([&] { return world.up() || world.finished(); }, 10s);
        break;
      case 3:
        do_honestly(world, op / 6);
        break;
      case 4:
        edit_next(world, in, op / 6);
        break;
      default:
        if (world.up()) world.send_ping();
    }
  }
  world.user(session::UserDisconnects{});
  world.run_until([&] { return world.finished().has_value(); }, 30s);
  for (const std::string& violation : world.violations()) std::puts(violation.c_str());
  FUZZ_REQUIRE(world.violations().empty());
  FUZZ_REQUIRE(world.finished().has_value());
  return 0;
}
