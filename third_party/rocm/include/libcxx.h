// HIP's amd_math_functions.h specialises a template that libc++ has had until its version 20
// (libcxx/include/__type_traits/promote.h). Nothing uses the specialisation any more, but it has to
// find the template.
namespace std {
template <class T>
struct __numeric_type;
}
