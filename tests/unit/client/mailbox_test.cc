#include "client/mailbox.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace godwit;
using namespace godwit::client;

TEST_CASE("letters are run in order, by the owner, when it looks") {
  auto mailbox = Mailbox::open();
  REQUIRE(mailbox);
  std::vector<int> ran;
  std::thread poster([&] {
    for (int i = 0; i < 100; ++i) CHECK((*mailbox)->post([&ran, i] { ran.push_back(i); }));
  });
  poster.join();
  CHECK(ran.empty());
  (*mailbox)->run();
  REQUIRE(ran.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
  (*mailbox)->run();
  CHECK(ran.size() == 100);
}

TEST_CASE("an owner that does not look is not buried in letters") {
  auto mailbox = Mailbox::open();
  REQUIRE(mailbox);
  int ran = 0;
  int taken = 0;
  for (int i = 0; i < 5000; ++i) {
    if ((*mailbox)->post([&ran] { ++ran; })) ++taken;
  }
  CHECK(taken == 1024);
  (*mailbox)->run();
  CHECK(ran == taken);
}

TEST_CASE("a call returns when it was run") {
  auto mailbox = Mailbox::open();
  REQUIRE(mailbox);
  bool stop = false;
  std::thread owner([&] {
    while (!stop) (*mailbox)->run();
  });
  int value = 0;
  for (int i = 1; i <= 100; ++i) {
    (*mailbox)->call([&value, i] { value = i; });
    CHECK(value == i);
  }
  (*mailbox)->call([&stop] { stop = true; });
  owner.join();
}
