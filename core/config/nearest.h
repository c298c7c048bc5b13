// "Did you mean": the candidate a mistyped word was most likely meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace godwit::config {

// Changes of one letter (insert, remove, replace, swap of neighbours) that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The closest candidate, or an empty string when none is close enough to be meant.
std::string nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace godwit::config
