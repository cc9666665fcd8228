// Asio's non-template code for the targets that read addresses; core/boost_sources.cpp needs more than clang 14 knows.
#include <boost/asio/impl/src.hpp>
