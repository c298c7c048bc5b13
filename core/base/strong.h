// A number with a meaning gets a type of its own, so that an SPI cannot be passed for a message ID.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>

namespace godwit {

template <class Tag, class T>
class Strong {
 public:
  using Value = T;
  constexpr Strong() = default;
  constexpr explicit Strong(T value) : value_(value) {}
  constexpr T value() const { return value_; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

 private:
  T value_{};
};

// All of these are host order everywhere but on the wire.
using EspSpi = Strong<struct EspSpiTag, std::uint32_t>;        // RFC 4303 2.1
using MessageId = Strong<struct MessageIdTag, std::uint32_t>;  // RFC 2408 3.1
using Cookie = Strong<struct CookieTag, std::uint64_t>;        // RFC 2408 3.1, CKY-I and CKY-R
using JobId = Strong<struct JobIdTag, std::uint32_t>;

static_assert(!std::is_convertible_v<std::uint32_t, EspSpi>);
static_assert(!std::is_convertible_v<EspSpi, MessageId>);

}  // namespace godwit

template <class Tag, class T>
struct std::hash<godwit::Strong<Tag, T>> {
  std::size_t operator()(const godwit::Strong<Tag, T>& id) const noexcept {
    return std::hash<T>{}(id.value());
  }
};
