#include <doctest/doctest.h>

#include <algorithm>
#include <new>
#include <type_traits>

#include "core/base/secret.h"

using namespace godwit;

namespace {

bool all_zero(Bytes octets) {
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

static_assert(!std::is_copy_assignable_v<Secret<16>>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

TEST_CASE("a secret that moved leaves zeros behind") {
  Secret<4> first;
  std::fill(first.fill().begin(), first.fill().end(), std::uint8_t{7});
  Secret<4> second(std::move(first));
  CHECK(all_zero(first.expose()));  // NOLINT(bugprone-use-after-move)
  CHECK(second.expose()[3] == 7);
  first = std::move(second);
  CHECK(all_zero(second.expose()));  // NOLINT(bugprone-use-after-move)
  CHECK(first.expose()[0] == 7);
}

TEST_CASE("a secret is wiped when it dies") {
  alignas(Secret<32>) std::uint8_t room[sizeof(Secret<32>)];
  auto* secret = new (room) Secret<32>;
  std::fill(secret->fill().begin(), secret->fill().end(), std::uint8_t{0xa5});
  secret->~Secret();
  CHECK(all_zero(room));
}

TEST_CASE("secret bytes keep a prefix and copy only by name") {
  SecretBytes secret = SecretBytes::copy_of(ByteVec{1, 2, 3, 4, 5});
  const SecretBytes copy = secret.clone();
  secret.truncate(2);
  CHECK(equal(secret.expose(), ByteVec{1, 2}));
  CHECK(copy.size() == 5);

  SecretBytes moved(std::move(secret));
  CHECK(secret.empty());  // NOLINT(bugprone-use-after-move)
  CHECK(moved.size() == 2);
  moved = SecretBytes(3);
  CHECK(all_zero(moved.expose()));
  CHECK(SecretBytes::copy_of({}).empty());
}

TEST_CASE("comparison in constant time still compares") {
  const ByteVec a = {1, 2, 3};
  CHECK(equal_ct(a, ByteVec{1, 2, 3}));
  CHECK_FALSE(equal_ct(a, ByteVec{1, 2, 2}));
  CHECK_FALSE(equal_ct(a, ByteVec{0, 2, 3}));
  CHECK_FALSE(equal_ct(a, ByteVec{1, 2}));
  CHECK(equal_ct({}, {}));
}

TEST_CASE("wipe clears and bears nothing") {
  ByteVec octets(100, 0xff);
  wipe(octets);
  CHECK(all_zero(octets));
  wipe({});
}
