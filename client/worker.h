// One thread beside the loop, for what would stop it: public-key operations and questions to
// people. Tasks run one after the other; what they leave behind is fetched by the loop.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "platform/event.h"

namespace godwit::client {

class Worker {
 public:
  // Runs on the worker's thread and returns what is to run on the loop's.
  using Completion = std::function<void()>;
  using Task = std::function<Completion()>;

  static Result<std::unique_ptr<Worker>, platform::SysError> start();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  // waits for the running task; cancel what it waits for first

  void post(Task task);
  // From within a task that goes on: this is to run on the loop's thread already.
  void pass_on(Completion completion);
  int fd() const { return done_event_.fd(); }  // readable when a task is done
  void run_completions();

 private:
  explicit Worker(platform::Event event);
  void run();

  platform::Event done_event_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::queue<Task> tasks_;
  std::vector<Completion> done_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace godwit::client
