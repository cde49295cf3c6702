// Background: starts a coroutine that nobody waits for.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace selvedge::inference {

// Runs `work` on `io`. It must hold shares of what it uses. An exception ends it and is logged with
// `name`: exceptions of libraries stop here.
void run_in_background(boost::asio::io_context& io, std::string name,
                       boost::asio::awaitable<void> work);

}  // namespace selvedge::inference
