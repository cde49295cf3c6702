// Background: a coroutine nobody waits for must not end unheard.
#include "inference/background.h"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/log.h"

namespace selvedge::inference {

void run_in_background(boost::asio::io_context& io, std::string name,
                       boost::asio::awaitable<void> work) {
  boost::asio::co_spawn(io, std::move(work),
                        [name = std::move(name)](const std::exception_ptr& failure) {
                          if (!failure) return;
                          try {
                            std::rethrow_exception(failure);
                          } catch (const std::exception& exception) {
                            log::error("{} ended by an exception: {}", name, exception.what());
                          } catch (...) {
                            log::error("{} ended by an unknown exception", name);
                          }
                        });
}

}  // namespace selvedge::inference
