#include "client/worker.h"

namespace godwit::client {

Result<std::unique_ptr<Worker>, platform::SysError> Worker::start() {
  auto event = platform::Event::open();
  if (!event) return fail(event.error());
  return std::unique_ptr<Worker>(new Worker(std::move(*event)));
}

Worker::Worker(platform::Event event) : done_event_(std::move(event)), thread_([this] { run(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push(std::move(task));
  }
  wake_.notify_one();
}

void Worker::run() {
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
      if (stop_) return;
      task = std::move(tasks_.front());
      tasks_.pop();
    }
    pass_on(task());
  }
}

void Worker::pass_on(Completion completion) {
  {
    const std::lock_guard lock(mutex_);
    done_.push_back(std::move(completion));
  }
  done_event_.notify();
}

void Worker::run_completions() {
  if (!done_event_.clear()) return;
  std::vector<Completion> done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  for (const Completion& completion : done) completion();
}

}  // namespace godwit::client
